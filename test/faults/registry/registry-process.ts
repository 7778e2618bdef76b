import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../../apps/registry/src/main.ts', import.meta.url))
const plantedBugs = fileURLToPath(new URL('planted-process.ts', import.meta.url))

export interface RegistryProcessOptions {
  readonly brokers: string
  readonly port: number
  /** The name of a planted bug, for lanes that have to find it. */
  readonly plant?: string
}

/** A registry as a process that can be killed, and stopped for a while. */
export class RegistryProcess {
  readonly #child: ChildProcess
  readonly url: string

  /** Resolves once clients can connect. */
  static async start({ brokers, port, plant }: RegistryProcessOptions): Promise<RegistryProcess> {
    const args = ['--conditions=@keyfold/source', '--disable-warning=ExperimentalWarning']
    if (plant !== undefined) args.push('--import', plantedBugs)
    args.push(main, '--kafka', brokers, '--port', `${port}`, '--write-timeout-ms', '1500')
    const env = plant === undefined ? process.env : { ...process.env, KEYFOLD_PLANT: plant }
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    const errors: string[] = []
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', () => resolve())
      child.once('exit', (code) => reject(new Error(`the registry ended with ${code}: ${errors.join('')}`)))
    })
    return new RegistryProcess(child, `http://127.0.0.1:${port}`)
  }

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  /** SIGSTOP: it holds its connections and does nothing, as a machine does that swaps. */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  goOn(): void {
    this.#child.kill('SIGCONT')
  }

  /** kill -9. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
