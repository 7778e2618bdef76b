import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { endProcess } from '../../end-process.ts'

export interface Outcome {
  readonly verdict: 'passed' | 'failed' | 'skipped'
  readonly scenario: string
  readonly text: string
}

export interface Events {
  readonly onOutcome: (outcome: Outcome) => void
  /** Kills the broker and starts it again. */
  readonly killBroker: () => Promise<void>
}

/**
 * Runs a client's program to its end. It prints a line for each scenario, `<verdict> <scenario> <text>`, or
 * `kill-broker`, which is answered by a line when the broker is up again; other lines are passed on. What clients
 * complain of, while the broker is down for one, is shown where something failed. Ends the program when it says nothing
 * for too long.
 */
export async function runClient(command: readonly string[], { onOutcome, killBroker }: Events): Promise<void> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-COMPLAINTS_MAX)))
  const silence = new Silence(child)
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      silence.broken()
      const [, verdict, scenario = '', text = ''] = /^(passed|failed|skipped) (\S+) ?(.*)$/.exec(line) ?? []
      if (isVerdict(verdict)) {
        if (verdict === 'failed') console.log(complaints)
        complaints = ''
        onOutcome({ verdict, scenario, text })
      } else if (line === 'kill-broker') {
        await killBroker()
        child.stdin.write('up\n')
      } else console.log(`      ${line}`)
    }
  } catch (error) {
    await endProcess(child, 'SIGKILL')
    throw error
  } finally {
    silence.end()
  }
  if (complaints !== '') console.log(complaints)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** Ends a process that has not said anything for a while. */
class Silence {
  readonly #child: ChildProcess
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(child: ChildProcess) {
    this.#child = child
    this.broken()
  }

  broken(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#tooLong(), SILENCE_MAX_MS)
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  async #tooLong(): Promise<void> {
    console.log(`      it said nothing for ${SILENCE_MAX_MS / 1000} s`)
    await endProcess(this.#child, 'SIGKILL')
  }
}

/** Characters of standard error that are kept. */
const COMPLAINTS_MAX = 4_000

/** Longer than any scenario waits for something. */
const SILENCE_MAX_MS = 300_000

function isVerdict(word: string | undefined): word is Outcome['verdict'] {
  return word === 'passed' || word === 'failed' || word === 'skipped'
}
