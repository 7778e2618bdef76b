import type { LogRecord, LogWrite } from '../state/schema-record.ts'

/** A registry that writes to the log. Its name is on every record that it appends. */
export interface LogWriter {
  /** Of this process and no other, a restarted one included. */
  readonly id: string
  /** Where it takes changes from other registries, such as `http://10.0.0.7:8081`. Empty once it has resigned. */
  readonly url: string
}

/**
 * The log that the registry's state is a fold of. All processes follow it; one writes: the one that claimed it last.
 */
export interface SchemaLog {
  /** Hands every record from offset 0 to `apply` in order, resolves when it has seen them all, then goes on with each
   * new one as it comes. To be called once. Errors: `REGISTRY_TOPIC_UNSUITABLE` and those of the medium. */
  open(apply: (record: LogRecord) => void): Promise<void>
  /** The registry that wrote last, as far as this process has read. Undefined when none has left its name. */
  readonly writer: LogWriter | undefined
  /** True from a successful claim until this process knows that it was fenced or cannot tell. */
  readonly isWriter: boolean
  /** Every record below it was applied. */
  readonly position: number
  /** Why the log cannot be followed any more; undefined while it can. */
  readonly failure: SchemaLogError | undefined
  /**
   * Makes this process the writer: whoever wrote before is fenced, and everything it wrote has been applied when this
   * resolves. Throws `SchemaLogError`: `fenced` when yet another claimed at the same time, else as for `append`.
   */
  claim(self: LogWriter): Promise<void>
  /**
   * Appends the records as one: all of them or none. Resolves with the offset of the last one when they are durable
   * and have been applied. One at a time. Throws `SchemaLogError`.
   */
  append(writes: readonly LogWrite[]): Promise<number>
  /** Resolves when everything that was in the log at the time of the call has been applied. Throws `SchemaLogError`. */
  catchUp(): Promise<void>
  close(): Promise<void>
}

/**
 * - `fenced`: another process writes now, or has to be found; nothing of this was written.
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
