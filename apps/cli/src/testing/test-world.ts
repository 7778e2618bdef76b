import type { World } from '../world.ts'
import { runCli } from '../run-cli.ts'

export interface TestWorldOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** Whether stdin, stdout and stderr are terminals. */
  readonly terminal?: boolean
  /** What a person answers. */
  readonly answer?: string
  /** What happens in the world while a person thinks. */
  readonly onAsk?: () => Promise<unknown>
  /** Sees every line of the result as it comes. */
  readonly onLine?: (line: string, world: TestWorld) => void
}

/** A world in memory: what was written can be read, and Ctrl-C is a method. */
export class TestWorld implements World {
  readonly lines: string[] = []
  readonly errors: string[] = []
  readonly statuses: string[] = []
  readonly bytes: Uint8Array[] = []
  readonly questions: string[] = []
  readonly env: Readonly<Record<string, string>>
  readonly stdin: AsyncIterable<Uint8Array>
  readonly isTerminal: World['isTerminal']
  readonly #options: TestWorldOptions
  readonly #listeners = new Set<() => void>()

  constructor(options: TestWorldOptions = {}) {
    const { terminal = false, stdin = '' } = options
    this.#options = options
    this.env = options.env ?? {}
    this.isTerminal = { stdin: terminal, stdout: terminal, stderr: terminal }
    this.stdin = chunksOf(stdin)
  }

  out(line: string): void {
    this.lines.push(line)
    this.#options.onLine?.(line, this)
  }

  err(line: string): void {
    this.errors.push(line)
  }

  status(line: string): void {
    this.statuses.push(line)
  }

  write(bytes: Uint8Array): void {
    this.bytes.push(bytes)
  }

  async drained(): Promise<void> {}

  onInterrupt(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Ctrl-C. */
  interrupt(): void {
    for (const listener of this.#listeners) listener()
  }

  async ask(question: string): Promise<string> {
    this.questions.push(question)
    await this.#options.onAsk?.()
    return this.#options.answer ?? ''
  }
}

export interface CliRun {
  readonly code: number
  /** Lines of stdout. */
  readonly out: readonly string[]
  /** Lines of stderr. */
  readonly err: readonly string[]
}

/** Runs a command line in this process. */
export async function runInTest(args: readonly string[], options: TestWorldOptions = {}): Promise<CliRun> {
  const world = new TestWorld(options)
  const code = await runCli(args, world)
  return { code, out: world.lines, err: world.errors }
}

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  if (text !== '') yield Buffer.from(text)
}
