import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../../apps/broker/src/main.ts', import.meta.url))
const plantedBugs = fileURLToPath(new URL('planted-process.ts', import.meta.url))

export interface BrokerProcessOptions {
  readonly dataDirectory: string
  readonly port: number
  /** The name of a planted bug, for lanes that have to find it. */
  readonly plant?: string
  /** Kafka's own keys. */
  readonly config?: Readonly<Record<string, string>>
}

/** The broker as a process that can be killed. */
export class BrokerProcess {
  readonly #child: ChildProcess

  /** Resolves once clients can connect. */
  static async start({ dataDirectory, port, plant, config = {} }: BrokerProcessOptions): Promise<BrokerProcess> {
    const args = ['--conditions=@keyfold/source', '--disable-warning=ExperimentalWarning']
    if (plant !== undefined) args.push('--import', plantedBugs)
    args.push(main, '--json', '--data', dataDirectory, '--port', `${port}`)
    args.push('--set', 'group.initial.rebalance.delay.ms=0', '--set', 'auto.create.topics.enable=false')
    for (const [key, value] of Object.entries(config)) args.push('--set', `${key}=${value}`)
    const env = plant === undefined ? process.env : { ...process.env, KEYFOLD_PLANT: plant }
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    const errors: string[] = []
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', () => resolve())
      child.once('exit', (code) => reject(new Error(`the broker ended with ${code}: ${errors.join('')}`)))
    })
    return new BrokerProcess(child)
  }

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Asks it to end; resolves with the exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode
    const ended = once(this.#child, 'exit')
    this.#child.kill(signal)
    const [code] = (await ended) as [number | null]
    return code
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no TCP address')
  return address.port
}
