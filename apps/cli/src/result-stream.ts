import { CliError } from './cli-error.ts'
import { jsonText } from './json-text.ts'
import type { Settings } from './context.ts'
import type { Envelope } from './envelope.ts'
import type { World } from './world.ts'

/** With `-o json` everything is held until the end; more than this is for `-o ndjson`. */
const ITEMS_HELD_MAX = 100_000

/** Results that come one after the other. A command that has written one prints nothing else on stdout. */
export class ResultStream {
  readonly #world: World
  readonly #settings: Settings
  readonly #held: unknown[] = []
  #isOpen = false
  #isAnnounced = false

  constructor(world: World, settings: Settings) {
    this.#world = world
    this.#settings = settings
  }

  /** Whether this command prints a stream, be it an empty one. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Whether stdout has all it will get already. */
  get isAnnounced(): boolean {
    return this.#isAnnounced
  }

  /** What `-o json` puts into the envelope. */
  get held(): readonly unknown[] {
    return this.#held
  }

  /** Says that results will come one by one, even if none does. */
  open(): void {
    this.#isOpen = true
  }

  /** Says where a server is, at once and in every format: nobody waits for the end of it. Its envelope is one line. */
  announce(data: unknown, line: string): void {
    this.#isAnnounced = true
    const { format } = this.#settings
    const envelope: Envelope = { version: 1, status: 'ok', data, diagnostics: [] }
    if (format === 'json') this.#world.out(jsonText(envelope))
    else this.#world.out(format === 'ndjson' ? jsonText(data) : line)
  }

  /** One result: as an item for programs, as a line for people. */
  write(item: unknown, line: () => string): void {
    this.#isOpen = true
    const { format } = this.#settings
    if (format === 'ndjson') this.#world.out(jsonText(item))
    else if (format !== 'json') this.#world.out(line())
    else if (this.#held.push(item) > ITEMS_HELD_MAX)
      throw new CliError('RESULT_TOO_LARGE', `more than ${ITEMS_HELD_MAX} results do not fit into one JSON document`)
  }
}
