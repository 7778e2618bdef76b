import type { DomainEvent, Rejection } from '@keyfold/eventsourcing'
import { ExpectationFailed } from '../expectation-failed.ts'
import { alike, printed } from '../printed.ts'
import { holdsMatcher, matches } from './matching.ts'

/** What a command led to. */
export type Outcome =
  | { readonly kind: 'events'; readonly events: readonly DomainEvent[] }
  | { readonly kind: 'rejection'; readonly rejection: Rejection }
  | { readonly kind: 'thrown'; readonly error: unknown }
  /** The command does not fit its own schema: the aggregate would not have seen it. */
  | { readonly kind: 'invalid'; readonly issues: readonly string[] }

/** What an outcome needs from the aggregate that it came from. */
export interface OutcomeSource {
  /** An event as readers get it. */
  readonly stored: (event: DomainEvent) => DomainEvent
  /** The state after the events. */
  readonly state: () => unknown
}

/**
 * The end of a sentence: every `then…` throws an `ExpectationFailed` or answers the same object. There is no plain
 * `then`, because `await` and promises would take the object for a promise and call it.
 */
export class AggregateOutcome {
  readonly #outcome: Outcome
  readonly #source: OutcomeSource

  constructor(outcome: Outcome, source: OutcomeSource) {
    this.#outcome = outcome
    this.#source = source
  }

  /**
   * Exactly these events, in this order; fields left out have their defaults. Values may be matchers of the test runner
   * (`expect.any(String)`); of an event with matchers only the fields that are named are looked at.
   */
  thenEvents(expected: readonly DomainEvent[]): this {
    if (holdsMatcher(expected)) return this.#thenMatching(expected)
    const wanted = expected.map((event) => this.#source.stored(event))
    const events = this.#events(`expected ${names(wanted)}`)
    if (alike(events, wanted)) return this
    const what = alike(events.map(typeOf), wanted.map(typeOf)) ? 'the events carry something else' : 'other events'
    throw new ExpectationFailed(what, { actual: plain(events), expected: plain(wanted) })
  }

  /** Neither an event nor a rejection: there was nothing to do. */
  thenNothing(): this {
    return this.thenEvents([])
  }

  /** A rejection with this code and, where given, with these details among its own. */
  thenRejects(code: string, details: Readonly<Record<string, unknown>> = {}): this {
    const outcome = this.#outcome
    if (outcome.kind !== 'rejection')
      throw new ExpectationFailed(`expected the rejection ${code}, but ${inWords(outcome)}`, differing(outcome, code))
    const { rejection } = outcome
    if (rejection.code !== code)
      throw new ExpectationFailed('another rejection', { actual: rejection.code, expected: code })
    const actual = pick(rejection.details, details)
    if (!alike(actual, details))
      throw new ExpectationFailed(`${code} with other details`, { actual, expected: details })
    return this
  }

  /** The members named here have these values after the events; a function may look at the whole state instead. */
  thenState(expected: object | ((state: never) => void)): this {
    if (this.#outcome.kind === 'thrown' || this.#outcome.kind === 'invalid') this.#events('expected a state')
    const state = this.#source.state()
    if (typeof expected === 'function') {
      const look = expected as (state: unknown) => void
      look(state)
      return this
    }
    const actual = pick(state, expected)
    if (!alike(actual, expected)) throw new ExpectationFailed('another state', { actual, expected })
    return this
  }

  /** The command does not fit its schema: `path` is where, a pattern is for the whole text of an issue. */
  thenInvalid(expected: string | RegExp = /./): this {
    const outcome = this.#outcome
    if (outcome.kind !== 'invalid')
      throw new ExpectationFailed(`expected the command not to fit its schema, but ${inWords(outcome)}`)
    const fits = (issue: string): boolean =>
      typeof expected === 'string' ? issue.startsWith(`${expected}:`) : expected.test(issue)
    if (!outcome.issues.some(fits)) throw new ExpectationFailed('other issues', { actual: outcome.issues, expected })
    return this
  }

  /** The decision threw: an error of this class, or one whose text matches. */
  thenThrows(expected?: RegExp | (abstract new (...args: never[]) => Error)): this {
    const outcome = this.#outcome
    if (outcome.kind !== 'thrown') throw new ExpectationFailed(`expected it to throw, but ${inWords(outcome)}`)
    const { error } = outcome
    const fits =
      expected === undefined || (expected instanceof RegExp ? expected.test(String(error)) : error instanceof expected)
    if (!fits) throw new ExpectationFailed(`it threw something else than ${String(expected)}: ${String(error)}`)
    return this
  }

  #thenMatching(expected: readonly DomainEvent[]): this {
    const events = this.#events(`expected ${names(expected)}`)
    const fit = events.length === expected.length && events.every((event, index) => this.#fits(event, expected[index]))
    if (fit) return this
    throw new ExpectationFailed('other events', { actual: plain(events), expected: plain(expected) })
  }

  #fits(event: DomainEvent, expected: DomainEvent | undefined): boolean {
    if (expected === undefined || event.type !== expected.type || event.key !== expected.key) return false
    return holdsMatcher(expected.data)
      ? matches(event.data, expected.data)
      : alike(event.data, this.#source.stored(expected).data)
  }

  #events(wanted: string): readonly DomainEvent[] {
    if (this.#outcome.kind === 'events') return this.#outcome.events
    const failed = new ExpectationFailed(`${wanted}, but ${inWords(this.#outcome)}`)
    if (this.#outcome.kind === 'thrown') failed.cause = this.#outcome.error
    throw failed
  }
}

function inWords(outcome: Outcome): string {
  if (outcome.kind === 'thrown') return `the decision threw ${String(outcome.error)}`
  if (outcome.kind === 'invalid') return `the command does not fit its schema: ${outcome.issues.join('; ')}`
  if (outcome.kind === 'events') return `it led to ${names(outcome.events)}`
  const { code, details } = outcome.rejection
  return `it was rejected with ${code}${Object.keys(details).length === 0 ? '' : ` ${printed(details)}`}`
}

function names(events: readonly DomainEvent[]): string {
  return events.length === 0 ? 'no event' : events.map(typeOf).join(', ')
}

function typeOf({ type }: DomainEvent): string {
  return type
}

/** Without prototypes, which would show up as differences in a runner's output. */
function plain(events: readonly DomainEvent[]): readonly unknown[] {
  return events.map(({ type, data }) => ({ type, data: typeof data === 'object' ? { ...data } : data }))
}

function differing(outcome: Outcome, code: string): { actual: unknown; expected: unknown } | undefined {
  return outcome.kind === 'events' ? { actual: plain(outcome.events), expected: { rejects: code } } : undefined
}

function pick(whole: unknown, like: object): Record<string, unknown> {
  const members = (typeof whole === 'object' && whole !== null ? whole : {}) as Record<string, unknown>
  return Object.fromEntries(Object.keys(like).map((name) => [name, members[name]]))
}
