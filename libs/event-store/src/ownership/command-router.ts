import type { KeyfoldError } from '@keyfold/eventsourcing'
import type { CommandOutcome } from '../command-outcome.ts'
import { fail } from '../errors.ts'
import type { CommandRequest } from '../writer/pending-command.ts'
import type { Instance, RoutingTable } from './routing-table.ts'
import type { PeerAnswer } from './peers/peer-link.ts'

/** Waiting times between attempts, in milliseconds; news of the owners end them. */
const again = { firstMs: 5, capMs: 50 }
/** How long after its deadline the owner's own answer may still arrive. */
const graceMs = 200

export interface CommandRouterOptions {
  readonly table: RoutingTable
  /** Undefined when the partition has no writer here. */
  readonly here: (partition: number, request: CommandRequest) => Promise<CommandOutcome> | undefined
  readonly there: (instance: Instance, partition: number, request: CommandRequest) => Promise<PeerAnswer>
  /** The owner may have changed: find out. */
  readonly refresh: () => void
}

/** What one attempt came to. `unsure`: the command may be at work or done there. */
type Attempt =
  | { readonly kind: 'done'; readonly outcome: CommandOutcome }
  | { readonly kind: 'elsewhere'; readonly error: Error; readonly hint: Instance | undefined }
  | { readonly kind: 'unsure'; readonly error: Error }

/**
 * Brings a command to the writer of its partition, wherever that is. An instance that does not own the partition says so
 * and passes nothing on: the command takes one hop, or two when the answer names another owner. While nobody owns the
 * partition it waits, up to its deadline. When an answer gets lost the owner is asked again by the command's id, which
 * is decided once; from then on nothing but a decision that the log keeps is an answer, since the lost one may still
 * arrive somewhere.
 */
export class CommandRouter {
  readonly #options: CommandRouterOptions

  constructor(options: CommandRouterOptions) {
    this.#options = options
  }

  async submit(partition: number, request: CommandRequest): Promise<CommandOutcome> {
    const { table } = this.#options
    const endsAt = performance.now() + request.deadlineMs
    let doubt: Error | undefined
    let last: Error | undefined
    let hint: Instance | undefined
    let { isFirstTry } = request
    let waitMs = again.firstMs
    for (;;) {
      const deadlineMs = endsAt - performance.now()
      if (deadlineMs < 1) return expired(request, doubt, last)
      const { changes } = table
      const owner = hint ?? table.ownerOf(partition)
      // In doubt, what is decided now must be found again by its id: a copy of the command may still be on its way.
      const tried = { ...request, deadlineMs, isFirstTry, idGiven: request.idGiven || doubt !== undefined }
      isFirstTry = false
      const attempt = await this.#attempt(partition, owner, tried)
      if (attempt.kind === 'done') {
        const { outcome } = attempt
        if (doubt === undefined || isKept(outcome)) return outcome
        if (!('error' in outcome) || outcome.error.code !== 'OVERLOADED') return expired(request, doubt, last)
        last = outcome.error
      } else last = attempt.error
      if (attempt.kind === 'unsure') doubt ??= attempt.error
      const named = attempt.kind === 'elsewhere' && hint === undefined ? attempt.hint : undefined
      hint = named?.instanceId === owner?.instanceId ? undefined : named
      if (hint !== undefined) continue
      this.#options.refresh()
      if (table.changes === changes) await table.changed(Math.min(waitMs, endsAt - performance.now()))
      waitMs = Math.min(waitMs * 2, again.capMs)
    }
  }

  async #attempt(partition: number, owner: Instance | undefined, request: CommandRequest): Promise<Attempt> {
    const here = this.#options.here(partition, request)
    if (here !== undefined) return judged(await here)
    if (owner === undefined) return { kind: 'elsewhere', error: new Error('no instance owns it yet'), hint: undefined }
    const answer = await this.#answerOf(partition, owner, request)
    if (answer.kind === 'answered') return judged(answer.outcome)
    if (answer.kind === 'lost') return { kind: 'unsure', error: answer.error }
    if (answer.kind === 'notSent') return { kind: 'elsewhere', error: answer.error, hint: undefined }
    const error = fail('OVERLOADED', `too much is on its way to ${owner.url}: ${answer.error.message}`)
    return { kind: 'done', outcome: { kind: 'failed', error, commandId: request.commandId } }
  }

  /** Waits no longer than the deadline, nor for an instance that has lost the partition meanwhile. */
  async #answerOf(partition: number, owner: Instance, request: CommandRequest): Promise<PeerAnswer> {
    const { promise: givenUp, resolve } = Promise.withResolvers<PeerAnswer>()
    const giveUp = (why: string): void => resolve({ kind: 'lost', error: new Error(`${owner.url} ${why}`) })
    const timer = setTimeout(() => giveUp('did not answer in time'), request.deadlineMs + graceMs)
    const stop = this.#options.table.onTaken(partition, owner, () => giveUp('lost the partition before it answered'))
    try {
      return await Promise.race([this.#options.there(owner, partition, request), givenUp])
    } finally {
      clearTimeout(timer)
      stop()
    }
  }
}

/** Refusals of an instance that is not, or no longer, the owner: it has not done the command and will not. */
const notHere: ReadonlySet<string> = new Set(['NOT_OWNER', 'EVENT_STORE_CLOSED'])

function judged(outcome: CommandOutcome): Attempt {
  if (outcome.kind === 'unknown') return { kind: 'unsure', error: outcome.error }
  if (outcome.kind === 'failed' && notHere.has(outcome.error.code))
    return { kind: 'elsewhere', error: outcome.error, hint: hintOf(outcome.error) }
  return { kind: 'done', outcome }
}

function hintOf({ details }: KeyfoldError): Instance | undefined {
  const owner = details['owner'] as Partial<Instance> | undefined
  if (typeof owner?.instanceId !== 'string' || typeof owner.url !== 'string') return undefined
  return { instanceId: owner.instanceId, url: owner.url }
}

/** Only what stands in the log can be found again by whoever comes later with a copy of the command. */
function isKept(outcome: CommandOutcome): boolean {
  return outcome.kind === 'committed' || outcome.kind === 'rejected'
}

function expired(request: CommandRequest, doubt: Error | undefined, last: Error | undefined): CommandOutcome {
  const { name, commandId, deadlineMs } = request
  if (doubt !== undefined) {
    const message = `the outcome of ${name} is not known (${doubt.message}): ask again with the same command id`
    return { kind: 'unknown', error: fail('OUTCOME_UNKNOWN', message, { cause: doubt }), commandId }
  }
  const why = last === undefined ? '' : `: ${last.message}`
  const error = fail('DEADLINE_EXCEEDED', `${name} found no owner of its partition in ${deadlineMs} ms${why}`, {
    cause: last,
  })
  return { kind: 'failed', error, commandId }
}
