import { connectKafka, connectKafkaAdmin, type KafkaAdmin, type KafkaClient } from '@keyfold/kafka'
import { CliError } from './cli-error.ts'
import type { OutputFormat } from './output-format.ts'
import { type RegistryClient, registryClient } from './registry-client.ts'
import type { Diagnostic } from './report.ts'
import { ResultStream } from './result-stream.ts'
import { styleFor, type Style } from './style.ts'
import type { World } from './world.ts'

/** The options that every command has, after flags, environment and defaults have been put together. */
export interface Settings {
  readonly format: OutputFormat
  readonly isQuiet: boolean
  /** `--yes`: destroys without asking. */
  readonly isSure: boolean
  /** `--no-input`: never asks. */
  readonly mayAsk: boolean
  readonly brokers: readonly string[]
  readonly registryUrl: string
  /** How long to try to reach a broker. */
  readonly connectTimeoutMs: number
  /** Undefined: no limit. */
  readonly timeoutMs: number | undefined
}

/** What a command gets to work with. Connections are opened when they are first asked for and closed by the runner. */
export class Context {
  readonly world: World
  readonly settings: Settings
  readonly style: Style
  /** Aborted by Ctrl-C and by `--timeout`: stop taking new work, finish what has begun, return. */
  readonly signal: AbortSignal
  readonly stream: ResultStream
  readonly diagnostics: Diagnostic[] = []
  readonly #closers: (() => Promise<void>)[] = []
  #kafka: Promise<KafkaClient> | undefined
  #admin: Promise<KafkaAdmin> | undefined
  #registry: RegistryClient | undefined

  constructor(world: World, settings: Settings, signal: AbortSignal) {
    this.world = world
    this.settings = settings
    this.signal = signal
    this.style = styleFor(world)
    this.stream = new ResultStream(world, settings)
  }

  /** Says on stderr what is going on; silent with `-q`. */
  note(line: string): void {
    if (!this.settings.isQuiet) this.world.err(line)
  }

  /** Something the reader should know beside the result: on stderr now, and in the envelope. */
  diagnose(diagnostic: Diagnostic): void {
    this.diagnostics.push(diagnostic)
    const { severity, code, message, fix } = diagnostic
    if (!this.settings.isQuiet || severity === 'error')
      this.world.err(`${severity} ${code}: ${message}${fix === undefined ? '' : ` Fix: ${fix}`}`)
  }

  /** The client of the cluster that `--brokers` names. Errors: `KAFKA_UNREACHABLE`, `KAFKA_INCOMPATIBLE`. */
  kafka(brokers: readonly string[] = this.settings.brokers): Promise<KafkaClient> {
    const { connectTimeoutMs } = this.settings
    this.#kafka ??= this.keep(connectKafka({ brokers, clientId: 'keyfold-cli', connectTimeoutMs }))
    return this.#kafka
  }

  /** What tools ask of that cluster and change in it. Errors: as `kafka`. */
  admin(): Promise<KafkaAdmin> {
    const { brokers, connectTimeoutMs } = this.settings
    this.#admin ??= this.keep(connectKafkaAdmin({ brokers, clientId: 'keyfold-cli', connectTimeoutMs }))
    return this.#admin
  }

  /** The client of the registry that `--registry` names; it connects when it is asked something. */
  registry(): RegistryClient {
    this.#registry ??= registryClient(this.settings.registryUrl)
    return this.#registry
  }

  /**
   * Asks whether something may be destroyed: `--yes` answers, otherwise a person at a terminal does.
   * Errors: `CONFIRMATION_NEEDED`, exit code 5.
   */
  async confirm(what: string): Promise<void> {
    const { settings, world } = this
    if (settings.isSure) return
    const canAsk = settings.mayAsk && world.isTerminal.stdin && world.isTerminal.stderr
    if (canAsk && /^y(es)?$/i.test((await world.ask(`${what}? [y/N] `)).trim())) return
    throw new CliError('CONFIRMATION_NEEDED', `${what}: not done`)
  }

  /** Closes what was opened, the last one first. */
  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close()
  }

  /** Something that is closed when the command is over, however it ends. */
  async keep<Thing extends { close(): Promise<void> }>(opening: Promise<Thing>): Promise<Thing> {
    const thing = await opening
    this.#closers.push(() => thing.close())
    return thing
  }
}
