import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { endProcess } from '../end-process.ts'
import { residentMib } from '../resident-memory.ts'
import { javaArguments } from './distribution.ts'

const run = promisify(execFile)

export interface KafkaNodeOptions {
  readonly id: number
  readonly clusterId: string
  readonly directory: string
  /** The whole of server.properties but `log.dirs`. */
  readonly properties: Readonly<Record<string, string>>
  readonly heapMib: number
}

/** One Apache Kafka process with a data directory that outlives it. */
export class KafkaNode {
  readonly id: number
  readonly #options: KafkaNodeOptions
  #process: ChildProcess | undefined

  constructor(options: KafkaNodeOptions) {
    this.id = options.id
    this.#options = options
  }

  get #settings(): string {
    return join(this.#options.directory, 'server.properties')
  }

  /** Writes the settings and an empty data directory. Once, before the first start. */
  async format(): Promise<void> {
    const lines = Object.entries({ ...this.#options.properties, 'log.dirs': join(this.#options.directory, 'log') })
    await writeFile(this.#settings, lines.map(([key, value]) => `${key}=${value}\n`).join(''))
    const java = javaArguments({ heapMib: 256, logLevel: 'error' })
    const format = ['kafka.tools.StorageTool', 'format', '-t', this.#options.clusterId, '-c', this.#settings]
    await run('java', [...java, ...format])
  }

  /** Resolves when the node is registered and serves. */
  async start(): Promise<void> {
    const java = javaArguments({ heapMib: this.#options.heapMib, logLevel: 'warn' })
    const child = spawn('java', [...java, 'kafka.Kafka', this.#settings], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = child
    let log = ''
    await new Promise<void>((resolve, reject) => {
      const listen = (text: Buffer) => {
        log = (log + text.toString()).slice(-20_000)
        if (log.includes('Kafka Server started')) resolve()
      }
      child.stdout.on('data', listen)
      child.stderr.on('data', listen)
      child.once('error', reject)
      child.once('exit', () => reject(new Error(`Apache Kafka ended before it had started:\n${log}`)))
    })
  }

  /** SIGTERM, and wait for the end. Data stay. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  /** SIGKILL, and wait for the end. Data stay. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** Freezes the process: connections stay open, nothing is answered. */
  pause(): void {
    this.#process?.kill('SIGSTOP')
  }

  resume(): void {
    this.#process?.kill('SIGCONT')
  }

  residentMib(): Promise<number> {
    return residentMib(this.#process?.pid)
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child !== undefined) await endProcess(child, signal)
  }
}
