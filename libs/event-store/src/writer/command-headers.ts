import type { StoredRecord } from '@keyfold/kafka'
import { fail } from '../errors.ts'
import { HEADERS } from '../envelope.ts'

/** What an event's headers say of its place and its command, without its value being read. */
export interface CommandHeaders {
  readonly key: string
  readonly offset: number
  readonly eventId: string
  /** Of the aggregate, after the event. */
  readonly version: number
  readonly commandId: string
  /** The aggregate that the command was for: another one than the event's when a command was about several. */
  readonly commandKey: string
  /** That aggregate's version after the command, when this is the command's last event. */
  readonly commandVersion: number
  readonly fingerprint: string
  readonly batchId: string
  readonly index: number
  readonly size: number
  readonly atMs: number
}

/** Errors: `ENVELOPE_UNREADABLE`. */
export function commandHeaders(record: StoredRecord): CommandHeaders {
  const { key, offset, timestampMs } = record
  if (key === null) throw unreadable(record, 'it has no key')
  const version = wholeNumber(record, HEADERS.version)
  const own = key.toString()
  const commandKey = text(record, HEADERS.commandKey)
  return {
    key: own,
    offset,
    eventId: text(record, HEADERS.id) ?? '',
    version,
    commandId: text(record, HEADERS.commandId) ?? '',
    commandKey: commandKey ?? own,
    commandVersion: commandKey === undefined ? version : wholeNumber(record, HEADERS.commandVersion),
    fingerprint: text(record, HEADERS.commandFingerprint) ?? '',
    batchId: text(record, HEADERS.batchId) ?? '',
    index: wholeNumber(record, HEADERS.commandIndex),
    size: wholeNumber(record, HEADERS.commandSize),
    atMs: timestampMs,
  }
}

function text({ headers }: StoredRecord, name: string): string | undefined {
  return headers[name]?.toString()
}

function wholeNumber(record: StoredRecord, name: string): number {
  const written = text(record, name)
  const value = Number(written)
  if (written === undefined || !Number.isSafeInteger(value)) throw unreadable(record, `its header ${name} is missing`)
  return value
}

function unreadable({ topic, partition, offset }: StoredRecord, why: string): Error {
  return fail('ENVELOPE_UNREADABLE', `the record at ${topic}/${partition}/${offset} is no event: ${why}`, {
    details: { topic, partition, offset },
  })
}
