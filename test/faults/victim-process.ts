import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { endProcess } from '../end-process.ts'

/** A process with which anything may happen. */
export class VictimProcess {
  protected readonly child: ChildProcess

  constructor(child: ChildProcess) {
    this.child = child
  }

  /** SIGSTOP: it holds its connections and does nothing, as a machine does that swaps. */
  pause(): void {
    this.child.kill('SIGSTOP')
  }

  goOn(): void {
    this.child.kill('SIGCONT')
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await endProcess(this.child, 'SIGKILL')
  }

  /** Asks it to end; resolves with the exit code. */
  stop(): Promise<number | null> {
    return endProcess(this.child, 'SIGTERM')
  }
}

export interface Program {
  /** What an error calls it, such as "the broker". */
  readonly name: string
  /** The file that is run, from the sources. */
  readonly main: string
  readonly args: readonly string[]
  /** The name of a planted bug, and the file that plants it before the program starts. */
  readonly plant?: { readonly name: string; readonly file: string } | undefined
}

/** Starts a program and resolves once it is up. `onLine` gets every line that it prints, and says whether it is up by it. */
export async function startProgram(
  program: Program,
  onLine: (line: string) => boolean = () => true,
): Promise<ChildProcess> {
  const { name, main, args, plant } = program
  const options = ['--conditions=@keyfold/source', '--disable-warning=ExperimentalWarning']
  if (plant !== undefined) options.push('--import', plant.file)
  const env = plant === undefined ? process.env : { ...process.env, KEYFOLD_PLANT: plant.name }
  const child = spawn(process.execPath, [...options, main, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-ERRORS_MAX)))
  const late = setTimeout(() => {
    errors += `not up within ${UP_WITHIN_MS} ms`
    child.kill('SIGKILL')
  }, UP_WITHIN_MS)
  try {
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => onLine(line) && resolve())
      child.once('exit', (code, signal) => reject(new Error(`${name} ended with ${code ?? signal}: ${errors}`)))
    })
  } finally {
    clearTimeout(late)
  }
  return child
}

/** A program that is not up after so many milliseconds never will be: it is ended. */
const UP_WITHIN_MS = 180_000

/** Characters of standard error that are kept for the text of an error. */
const ERRORS_MAX = 4_000
