import type { LogRecord, LogWrite } from '../state/schema-record.ts'

/** The log that the registry's state is a fold of. One process writes; whoever opened it last. */
export interface SchemaLog {
  /**
   * Takes over as the writer, hands every record from offset 0 to `apply` in order, resolves when it has seen them all,
   * and then goes on with each new record as it comes. To be called once. Errors: `REGISTRY_TOPIC_UNSUITABLE` and
   * those of the medium.
   */
  open(apply: (record: LogRecord) => void): Promise<void>
  /**
   * Appends the records as one: all of them or none. Resolves with the offset of the last one when they are durable
   * and have been applied. Throws `SchemaLogError`.
   */
  append(writes: readonly LogWrite[]): Promise<number>
  close(): Promise<void>
}

/**
 * - `fenced`: another process writes now; this one can only read from here on.
 * - `rejected`: nothing was written; the same call may succeed later.
 * - `unknown`: it may have been written or not; read before you try again.
 * - `broken`: the log cannot be followed any more.
 */
export class SchemaLogError extends Error {
  override readonly name = 'SchemaLogError'
  readonly kind: 'fenced' | 'rejected' | 'unknown' | 'broken'

  constructor(kind: SchemaLogError['kind'], message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }
}
