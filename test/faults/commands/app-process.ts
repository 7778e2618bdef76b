import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startProgram, VictimProcess } from '../victim-process.ts'
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
export class AppProcess extends VictimProcess {
  readonly url: string

  /** Resolves once it takes commands. */
  static async start(settings: AppSettings, onSaid: (said: Said) => void): Promise<AppProcess> {
    let port = 0
    const args = [JSON.stringify(settings)]
    const child = await startProgram({ name: 'the application', main, args }, (line) => {
      const said = JSON.parse(line) as Said & { readonly address?: { readonly port: number } }
      if (said.kind !== 'up') onSaid(said)
      else port = said.address?.port ?? 0
      return said.kind === 'up'
    })
    return new AppProcess(child, `http://127.0.0.1:${port}`)
  }

  private constructor(child: ChildProcess, url: string) {
    super(child)
    this.url = url
  }
}
