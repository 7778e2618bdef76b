import type { EncodedEvent } from '@keyfold/event-store'
import {
  type AggregateDescriptor,
  type Command,
  commandDefinitionOf,
  type DescribedClass,
  descriptorOf,
  type DomainEvent,
  isRejection,
  type Rejection,
} from '@keyfold/eventsourcing'
import { InMemoryCodec } from '../events/in-memory-codec.ts'
import { ExpectationFailed } from '../expectation-failed.ts'
import { FakeClock } from '../fake-clock.ts'
import { printed } from '../printed.ts'
import { sequentialIds } from '../sequential-ids.ts'
import { AggregateOutcome, type Outcome, type OutcomeSource } from './aggregate-outcome.ts'
import { checkedCommand } from './checked-command.ts'

/** The world of a specification; everything has a value that is the same in every run. */
export interface SpecificationOptions {
  /** The aggregate's id. Left out: the one the command names. */
  readonly key?: string
  readonly now?: Date | string
  readonly newId?: () => string
  readonly commandId?: string
}

/**
 * Starts a sentence about an aggregate: `given(Account, [AccountOpened({ owner })]).when(…).thenEvents([…])`.
 * The events go through their Avro schemas first, and those of older versions (`eventAt`) through upcasters, so they reach
 * the aggregate as they would from the log.
 * @throws {TypeError} when the target is no aggregate.
 * @throws {ExpectationFailed} when an event is none of the aggregate's or does not fit its schema.
 */
export function given(
  target: AggregateDescriptor | DescribedClass,
  events: readonly DomainEvent[] = [],
  options: SpecificationOptions = {},
): AggregateSpecification {
  return new AggregateSpecification(descriptorOf(target, 'aggregate'), events, options)
}

interface History {
  /** The aggregate's id; undefined for the one that the command is for. */
  readonly of: string | undefined
  readonly events: readonly DomainEvent[]
}

/** The history of one aggregate; `commandKey` is whose events name nobody. */
function ownOf(history: readonly History[], key: string, commandKey: string): readonly History[] {
  return history.filter(({ of = commandKey }) => of === key)
}

/** An aggregate with a history, ready for a command. */
export class AggregateSpecification {
  readonly #aggregate: AggregateDescriptor
  readonly #options: SpecificationOptions
  readonly #codec: InMemoryCodec
  /** What each stored event is to the code of today, and whose it is when it is not the command's aggregate's. */
  readonly #history: readonly History[]

  constructor(aggregate: AggregateDescriptor, events: readonly DomainEvent[], options: SpecificationOptions) {
    this.#aggregate = aggregate
    this.#options = options
    this.#codec = new InMemoryCodec(aggregate.events, aggregate.upcasters)
    this.#history = events.map((event) => ({ of: event.key, events: this.#read(event) }))
  }

  /**
   * Checks a command by its schema, as the event store would, and decides on it. What came of it is asked with `then…`.
   * @throws {TypeError} when its schema is asynchronous: a decision is tested at once.
   */
  when(given: Command): AggregateOutcome {
    const definition = commandDefinitionOf(given)
    if (definition === undefined) throw new TypeError(`${printed(given)} is no command: make it with defineCommand`)
    const decide = this.#aggregate.decide.get(definition.name)
    if (decide === undefined)
      throw new ExpectationFailed(`the aggregate ${this.#aggregate.name} does not handle ${definition.name}`)
    const checked = checkedCommand(given, definition)
    if ('issues' in checked) return new AggregateOutcome({ kind: 'invalid', issues: checked.issues }, noSource())
    const { command } = checked
    const key = this.#options.key ?? String((command as Record<string, unknown>)[definition.key])
    const context = {
      key,
      version: ownOf(this.#history, key, key).length,
      commandId: this.#options.commandId ?? '00000000-0000-7000-8000-00000000c0de',
      now: this.#now,
      newId: this.#options.newId ?? sequentialIds(),
      stateOf: <State>(other: string) => {
        if (this.#aggregate.partitionKey(other) !== this.#aggregate.partitionKey(key))
          throw new TypeError(`${other} has another partition key than ${key}`)
        const history = ownOf(this.#history, other, key)
        return { state: this.#fold(other, history) as State, version: history.length }
      },
    }
    return this.#outcome(key, () => decide(command, this.#fold(key, ownOf(this.#history, key, key)), context) ?? [])
  }

  /** The state that the history makes, without a command. */
  thenState(expected: object | ((state: never) => void)): AggregateOutcome {
    return this.#outcome(this.#options.key ?? 'key', () => []).thenState(expected)
  }

  get #now(): Date {
    return this.#options.now === undefined ? new FakeClock().now() : new Date(this.#options.now)
  }

  #outcome(key: string, decide: () => DomainEvent | readonly DomainEvent[] | Rejection): AggregateOutcome {
    const outcome = this.#decision(decide)
    const events = outcome.kind === 'events' ? outcome.events : []
    return new AggregateOutcome(outcome, {
      stored: (event) => this.#stored(event, 'expected'),
      state: () => {
        const after = events.map((event) => ({ of: event.key, events: [event] }))
        return this.#fold(key, ownOf([...this.#history, ...after], key, key))
      },
    })
  }

  #decision(decide: () => DomainEvent | readonly DomainEvent[] | Rejection): Outcome {
    let decided: DomainEvent | readonly DomainEvent[] | Rejection
    try {
      decided = decide()
    } catch (error) {
      return { kind: 'thrown', error }
    }
    if (isRejection(decided)) return { kind: 'rejection', rejection: decided }
    const events = [decided].flat() as readonly DomainEvent[]
    return { kind: 'events', events: events.map((event) => this.#stored(event, 'emitted')) }
  }

  #fold(key: string, history: readonly History[]): unknown {
    const time = this.#now
    let state = this.#aggregate.initialState()
    for (const [index, { events }] of history.entries())
      for (const { type, data } of events) {
        const apply = this.#aggregate.evolve.get(type)
        if (apply !== undefined) state = apply(state, data, { key, version: index + 1, time })
      }
    return state
  }

  /** A stored event as the code of today reads it. */
  #read(event: DomainEvent): readonly DomainEvent[] {
    const { upcasters } = this.#aggregate
    const isOld = upcasters.some(({ source }) => source?.eventName === event.type)
    if (!isOld) this.#refuseForeign(event, 'given')
    return this.#codec.decode(this.#encoded(event, 'given').value).events
  }

  /** The event as readers get it: encoded with its newest schema and decoded again. */
  #stored(event: DomainEvent, role: string): DomainEvent {
    this.#refuseForeign(event, role)
    const stored = { type: event.type, data: this.#encoded(event, role).data }
    return event.key === undefined ? stored : { ...stored, key: event.key }
  }

  #refuseForeign(event: DomainEvent, role: string): void {
    const { name, events } = this.#aggregate
    if (!events.some(({ eventName }) => eventName === event.type))
      throw new ExpectationFailed(
        `the ${role} event ${event.type} is none of the aggregate ${name}: list it in evolve or emits`,
      )
  }

  #encoded(event: DomainEvent, role: string): EncodedEvent {
    try {
      return this.#codec.encode(this.#aggregate.topic, event)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new ExpectationFailed(`the ${role} event does not fit its schema: ${why}`)
    }
  }
}

/** A command that nobody decided has neither events nor a state to compare with. */
function noSource(): OutcomeSource {
  return { stored: (event) => event, state: () => undefined }
}
