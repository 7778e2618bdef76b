import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { AppSettings } from './app-main.ts'

const main = fileURLToPath(new URL('app-main.ts', import.meta.url))

/** What a process said of itself: the event store's signals, and errors. */
export interface Said {
  readonly kind: string
  readonly why?: string
  readonly isTakeOver?: boolean
  readonly message?: string
}

/** A process of the application that can be killed, and stopped for a while. */
export class AppProcess {
  readonly url: string
  readonly #child: ChildProcess

  /** Resolves once it takes commands. */
  static async start(settings: AppSettings, onSaid: (said: Said) => void): Promise<AppProcess> {
    const args = [
      '--conditions=@keyfold/source',
      '--disable-warning=ExperimentalWarning',
      main,
      JSON.stringify(settings),
    ]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4_000)))
    const port = await new Promise<number>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const said = JSON.parse(line) as Said & { readonly address?: { readonly port: number } }
        if (said.kind === 'up') resolve(said.address?.port ?? 0)
        else onSaid(said)
      })
      child.once('exit', (code, signal) => reject(new Error(`the application ended with ${code ?? signal}: ${errors}`)))
    })
    return new AppProcess(child, `http://127.0.0.1:${port}`)
  }

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  /** SIGSTOP: it holds its connections and does nothing. */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  goOn(): void {
    this.#child.kill('SIGCONT')
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** Asks it to hand over and end. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGCONT')
    this.#child.kill(signal)
    await ended
  }
}
