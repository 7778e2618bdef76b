import { styleText } from 'node:util'

/** What the tour needs of a terminal or of a pipe. */
export interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Prints the tour: a line per step, particulars beneath it, a bar for what takes a while. */
export class TourOutput {
  readonly #out: Output
  #step = 0

  constructor(out: Output) {
    this.#out = out
  }

  step(text: string): void {
    this.#step += 1
    this.#out.write(`${styleText('dim', String(this.#step).padStart(3))} ${styleText('green', '✓')} ${text}\n`)
  }

  detail(text: string): void {
    this.#out.write(`      ${styleText('dim', text)}\n`)
  }

  /** Draws over its own line on a terminal; elsewhere only the last state is printed. */
  bar(
    { done, total, text }: { readonly done: number; readonly total: number; readonly text: string },
    last: boolean,
  ): void {
    if (!last && this.#out.isTTY !== true) return
    const filled = total === 0 ? BAR_WIDTH : Math.round((BAR_WIDTH * done) / total)
    const line = `      ${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${text}`
    const start = this.#out.isTTY === true ? '\r\x1b[2K' : ''
    this.#out.write(`${start}${line}${last ? '\n' : ''}`)
  }
}

const BAR_WIDTH = 30
