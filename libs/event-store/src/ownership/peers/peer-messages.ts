import { KeyfoldError } from '@keyfold/eventsourcing'
import type { CommandOutcome } from '../../command-outcome.ts'
import type { CommandRequest } from '../../writer/pending-command.ts'
import { fromWire, toWire } from './wire-value.ts'

/** A command for a partition of an aggregate, as it travels; its class is found again by its name. */
export interface CommandMessage {
  readonly id: number
  readonly aggregate: string
  readonly partition: number
  readonly request: Omit<CommandRequest, 'command'> & { readonly payload: Readonly<Record<string, unknown>> }
}

export interface AnswerMessage {
  readonly id: number
  readonly outcome: CommandOutcome
}

/** What one instance says to another. `regroup`: the writers' group of this aggregate is about to form anew. */
export type PeerMessage =
  | ({ readonly kind: 'command' } & CommandMessage)
  | ({ readonly kind: 'answer' } & AnswerMessage)
  | { readonly kind: 'regroup'; readonly aggregate: string }
  | ({ readonly kind: 'hello' } & Hello)
  | { readonly kind: 'proof'; readonly proof: string }

/** Each side opens with it and proves that it knows the secret by an HMAC over both nonces. */
export interface Hello {
  readonly protocol: number
  readonly application: string
  readonly nonce: string
  /** Who speaks. */
  readonly from: string
  /** Whom it means to speak to; the side that was called leaves it empty. */
  readonly to: string
}

/** The version of what is said here. */
export const peerProtocol = 1

export function encodeMessage(message: PeerMessage): Buffer {
  const said = message.kind === 'answer' ? { ...message, outcome: outcomeToWire(message.outcome) } : toWire(message)
  return Buffer.from(JSON.stringify(said))
}

/** @throws when the bytes are no message. */
export function decodeMessage(bytes: Buffer): PeerMessage {
  const said = JSON.parse(bytes.toString()) as { readonly kind?: unknown; readonly outcome?: unknown }
  if (said.kind === 'answer')
    return { ...(said as AnswerMessage), kind: 'answer', outcome: outcomeFromWire(said.outcome) }
  const message = fromWire(said) as PeerMessage
  if (!kinds.has(message.kind)) throw new TypeError(`a message of the unknown kind ${message.kind}`)
  return message
}

const kinds: ReadonlySet<string> = new Set(['command', 'regroup', 'hello', 'proof'] satisfies PeerMessage['kind'][])

function outcomeToWire(outcome: CommandOutcome): unknown {
  return 'error' in outcome ? { ...outcome, error: errorToWire(outcome.error) } : toWire(outcome)
}

function outcomeFromWire(wire: unknown): CommandOutcome {
  const { error } = wire as { readonly error?: WireError }
  if (error === undefined) return fromWire(wire) as CommandOutcome
  return { ...(wire as CommandOutcome & { kind: 'failed' | 'unknown' }), error: errorFromWire(error) }
}

interface WireError {
  readonly code: string
  readonly message: string
  readonly retriable: boolean
  readonly fix: string
  readonly details: unknown
  readonly cause?: WireError | { readonly name: string; readonly message: string }
}

function errorToWire({ code, message, retriable, fix, details, cause }: KeyfoldError): WireError {
  const base = { code, message, retriable, fix, details: toWire(details) }
  if (cause instanceof KeyfoldError) return { ...base, cause: errorToWire(cause) }
  return cause instanceof Error ? { ...base, cause: { name: cause.name, message: cause.message } } : base
}

function errorFromWire({ code, message, retriable, fix, details, cause }: WireError): KeyfoldError {
  return new KeyfoldError(code, { retriable, fix }, message, {
    details: fromWire(details) as Readonly<Record<string, unknown>>,
    ...(cause === undefined ? {} : { cause: causeFromWire(cause) }),
  })
}

function causeFromWire(cause: NonNullable<WireError['cause']>): Error {
  if ('code' in cause) return errorFromWire(cause)
  return Object.assign(new Error(cause.message), { name: cause.name })
}
