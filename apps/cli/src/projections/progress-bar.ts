import { jsonText } from '../json-text.ts'
import type { World } from '../world.ts'

/** A rebuild or a first start as it is told while it runs. */
export interface JobProgress {
  readonly projector: string
  readonly phase: string
  readonly done: number
  readonly total: number
  readonly events: number
  readonly eventsPerSecond: number
  readonly etaSeconds?: number | undefined
}

export const PROGRESS_STYLES = ['auto', 'bar', 'plain', 'json', 'none'] as const
export type ProgressStyle = (typeof PROGRESS_STYLES)[number]

const BAR_CELLS = 24
/** Where nobody watches, one line in so many milliseconds is enough. */
const PLAIN_EVERY_MS = 10_000

/** Shows progress on stderr: a bar where a person sits, lines now and then elsewhere, JSON for programs. */
export class ProgressBar {
  readonly #world: World
  readonly #style: Exclude<ProgressStyle, 'auto'>
  readonly #nowMs: () => number
  #toldMs = Number.NEGATIVE_INFINITY
  #phase = ''

  constructor(world: World, style: ProgressStyle, nowMs: () => number = () => performance.now()) {
    this.#world = world
    this.#style = style === 'auto' ? (isWatched(world) ? 'bar' : 'plain') : style
    this.#nowMs = nowMs
  }

  show(progress: JobProgress): void {
    if (this.#style === 'json') this.#world.err(jsonText({ progress }))
    else if (this.#style === 'bar') this.#world.status(barOf(progress))
    else if (this.#style === 'plain') this.#tellPlainly(progress)
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#style === 'bar') this.#world.status('')
  }

  #tellPlainly(progress: JobProgress): void {
    const nowMs = this.#nowMs()
    if (progress.phase === this.#phase && nowMs - this.#toldMs < PLAIN_EVERY_MS) return
    this.#toldMs = nowMs
    this.#phase = progress.phase
    this.#world.err(lineOf(progress))
  }
}

/** A terminal that can move its cursor, and no build server. */
function isWatched({ env, isTerminal }: World): boolean {
  return isTerminal.stderr && env['TERM'] !== 'dumb' && !env['CI']
}

/** Once all of the frozen end is done, what is left was written meanwhile. */
const PHASES: Readonly<Record<string, string>> = { 'catching-up': 'catching up the live tail' }

function barOf(progress: JobProgress): string {
  const share = shareOf(progress)
  const full = Math.floor(share * BAR_CELLS)
  return `${progress.projector} [${'#'.repeat(full)}${'-'.repeat(BAR_CELLS - full)}] ${figuresOf(progress)}`
}

function lineOf(progress: JobProgress): string {
  return `${progress.projector}: ${figuresOf(progress)}`
}

function figuresOf(progress: JobProgress): string {
  const { phase, done, total, eventsPerSecond, etaSeconds } = progress
  const percent = `${Math.floor(shareOf(progress) * 100)} %`
  const eta = etaSeconds === undefined ? '' : `, ${durationText(etaSeconds)} left`
  const rate = `${Math.round(eventsPerSecond).toLocaleString('en-US')} events/s`
  return `${percent} (${done}/${total}), ${rate}${eta}, ${PHASES[phase] ?? phase}`
}

function shareOf({ done, total }: JobProgress): number {
  return total === 0 ? 1 : Math.min(1, done / total)
}

/** `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
