/** One row of an error table: what may be done about it is part of the error. */
export interface ErrorRow {
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retriable: boolean
  /** What to do, one sentence. */
  readonly fix: string
}

/** An operating error with a stable code. `String(error)` is one line: code, cause, fix. */
export class KeyfoldError<Code extends string = string> extends Error {
  override readonly name = 'KeyfoldError'
  readonly code: Code
  readonly retriable: boolean
  readonly fix: string
  /** Machine-readable particulars, such as the field that does not fit. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: Code, row: ErrorRow, message: string, options: ErrorParticulars = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retriable = row.retriable
    this.fix = row.fix
    this.details = options.details ?? {}
  }

  override toString(): string {
    return `${this.code}: ${this.message}. Fix: ${this.fix}`
  }
}

export interface ErrorParticulars {
  readonly cause?: unknown
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * Turns a table of errors into their constructor: `fail('TOPIC_MISSING', 'topic bank.account does not exist')`.
 * Codes are checked by the compiler; the row brings what is the same for every error of the code.
 */
export function defineErrors<const Table extends Readonly<Record<string, ErrorRow>>>(table: Table) {
  return <Code extends keyof Table & string>(
    code: Code,
    message: string,
    particulars?: ErrorParticulars,
  ): KeyfoldError<Code> => new KeyfoldError(code, table[code] as ErrorRow, message, particulars)
}
