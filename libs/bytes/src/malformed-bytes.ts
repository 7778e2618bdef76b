/** Why bytes could not be read. The code is stable; the message names the position and what was expected there. */
export type MalformedBytesCode =
  | 'BUFFER_UNDERFLOW'
  | 'VARINT_TOO_LONG'
  | 'NEGATIVE_LENGTH'
  | 'UNEXPECTED_NULL'
  | 'COUNT_TOO_LARGE'
  | 'TOO_MANY_TAGGED_FIELDS'
  | 'TAGGED_FIELD_SIZE'
  | 'INVALID_RECORD_BATCH'
  | 'INVALID_VALUE'

/** Bytes from outside that do not follow their format: an operating error, never a bug of the reading program. */
export class MalformedBytes extends Error {
  readonly code: MalformedBytesCode
  /** Position in the buffer at which reading stopped, in bytes. */
  readonly position: number

  constructor(code: MalformedBytesCode, position: number, text: string) {
    super(`${text} (${code} at byte ${position})`)
    this.name = 'MalformedBytes'
    this.code = code
    this.position = position
  }
}

/** A read that needs more bytes than the buffer still has. */
export class BufferUnderflow extends MalformedBytes {
  readonly neededBytes: number
  readonly remainingBytes: number

  constructor(position: number, neededBytes: number, remainingBytes: number) {
    super('BUFFER_UNDERFLOW', position, `${neededBytes} bytes needed, ${remainingBytes} left`)
    this.name = 'BufferUnderflow'
    this.neededBytes = neededBytes
    this.remainingBytes = remainingBytes
  }
}

/** A value that its wire type cannot hold: a bug of the writing program. */
export class UnencodableValue extends Error {
  readonly code = 'UNENCODABLE_VALUE'

  constructor(text: string) {
    super(text)
    this.name = 'UnencodableValue'
  }
}
