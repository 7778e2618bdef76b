import { SKIP_REASONS, type SkipReason } from './record-verdict.ts'

/** So many are named one by one; of the others only the number is kept. */
const TOLD_MAX = 20

/** What was passed over in the log, by reason. */
export class SkippedRecords {
  readonly #counts = new Map<SkipReason, number>()
  readonly #tell: (message: string, fields: Readonly<Record<string, unknown>>) => void
  #total = 0

  constructor(tell: (message: string, fields: Readonly<Record<string, unknown>>) => void) {
    this.#tell = tell
  }

  get total(): number {
    return this.#total
  }

  /** By reason; those that never occurred are left out. */
  get counts(): Readonly<Partial<Record<SkipReason, number>>> {
    return Object.fromEntries(this.#counts)
  }

  add(reason: SkipReason, offset: number): void {
    this.#total++
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
    if (this.#total > TOLD_MAX) return
    const last = this.#total === TOLD_MAX ? '; further ones are only counted' : ''
    this.#tell(`a record of the log is passed over: ${SKIP_REASONS[reason]}${last}`, { offset, reason })
  }
}
