import {
  type AnyEventType,
  type DescribedClass,
  descriptorOf,
  type DomainEvent,
  type ProjectionHandler,
  type ProjectorDescriptor,
  type UpcasterDescriptor,
} from '@keyfold/eventsourcing'
import { type BatchLimits, openProjections, type Projections, type ReadModelStore } from '@keyfold/projections'
import { InMemoryCodec } from '../events/in-memory-codec.ts'
import { eventRecord } from '../events/event-record.ts'
import { ExpectationFailed } from '../expectation-failed.ts'
import { InMemoryKafka } from '../kafka/in-memory-kafka.ts'
import { alike } from '../printed.ts'
import { DyingStore } from './dying-store.ts'
import { type OpenMedium, openMedium, type SpecificationStore } from './specification-medium.ts'

/** An event in the log of a projector's specification. */
export interface GivenEvent {
  readonly key: string
  readonly event: DomainEvent
  /** Left out: the projector's first topic. */
  readonly topic?: string
  readonly time?: Date
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Starts a sentence about a projector: `await givenEvents(Balances, [{ key, event }]).thenRows('SELECT …', [{ … }])`.
 * @throws {TypeError} when the target is no projector.
 */
export function givenEvents(
  target: ProjectorDescriptor | DescribedClass,
  events: readonly GivenEvent[],
  options: ProjectorSpecificationOptions = {},
): ProjectorSpecification {
  return new ProjectorSpecification(descriptorOf(target, 'projector'), events, options)
}

export interface ProjectorSpecificationOptions {
  /** Those of the aggregates that it reads, for events of older versions (`eventAt`). Left out: resolution only. */
  readonly upcasters?: readonly UpcasterDescriptor[]
  /**
   * What the projector's handlers are written for. Default `sqlite`. In PostgreSQL everything is made under names of its
   * own and deleted again.
   */
  readonly store?: SpecificationStore
}

/** More events than this are applied as well, but no process dies for them. */
const DEATHS_MAX = 100

/** A projector and a log. Every question plays the log on the real runner, into a store that is deleted again. */
export class ProjectorSpecification {
  readonly #projector: ProjectorDescriptor
  readonly #events: readonly GivenEvent[]
  readonly #upcasters: readonly UpcasterDescriptor[]
  readonly #store: SpecificationStore

  constructor(
    projector: ProjectorDescriptor,
    events: readonly GivenEvent[],
    { upcasters = [], store = 'sqlite' }: ProjectorSpecificationOptions = {},
  ) {
    this.#projector = projector
    this.#events = events
    this.#upcasters = upcasters
    this.#store = store
  }

  /**
   * The query answers these rows, in this order; whole numbers may be written as numbers or bigints. For the store in
   * memory the query is the name of a table. It must also be so when a transaction fails halfway, when every event is
   * delivered twice, and when the process dies between any two steps: rows may depend on the events alone.
   * @throws {ExpectationFailed}
   */
  async thenRows(query: string, rows: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
    const actual = await this.#inMedium((medium) => this.#play(medium, query))
    if (!alike(wholeNumbers(actual), wholeNumbers(rows)))
      throw new ExpectationFailed('other rows', { actual, expected: rows })
    const again = await this.#inMedium((medium) => this.#playDying(medium, query))
    if (alike(wholeNumbers(again), wholeNumbers(rows))) return
    const what = 'other rows when every event is delivered twice and the process dies between any two steps'
    throw new ExpectationFailed(what, { actual: again, expected: rows })
  }

  async #inMedium(play: (medium: OpenMedium) => Promise<readonly object[]>): Promise<readonly object[]> {
    const medium = await openMedium(this.#store, this.#projector.name)
    try {
      return (await play(medium)).map((row) => ({ ...row }))
    } catch (error) {
      throw explained(error)
    } finally {
      await medium.close()
    }
  }

  async #play(medium: OpenMedium, query: string): Promise<readonly object[]> {
    const { projector, crashNext } = crashing(this.#projector, Math.ceil(this.#events.length / 2))
    // A store that never dies: closing the projections leaves it open.
    const projections = await this.#open(medium, projector, new DyingStore(medium.store), {})
    try {
      await projections.startProjector(medium.projector)
      const rows = await medium.ask(projections.read(medium.projector), query)
      crashNext()
      await projections.rebuild(medium.projector)
      return rows
    } finally {
      await projections.close()
    }
  }

  /** One process after the other: it applies an event and dies before the commit; the next dies right after it. */
  async #playDying(medium: OpenMedium, query: string): Promise<readonly object[]> {
    const store = new DyingStore(medium.store)
    for (let step = 0; step < 2 * Math.min(this.#events.length, DEATHS_MAX); step++) {
      store.revive(step % 2 === 0 ? 'before commit' : 'after commit')
      const projections = await this.#open(medium, this.#projector, store, { recordsMax: 1 })
      try {
        await projections.startProjector(medium.projector)
      } catch (error) {
        if (!store.isDead) throw error
      } finally {
        await projections.close()
      }
    }
    store.revive(undefined)
    const projections = await this.#open(medium, this.#projector, store, { recordsMax: 1 })
    try {
      await projections.startProjector(medium.projector)
      return await medium.ask(projections.read(medium.projector), query)
    } finally {
      await projections.close()
    }
  }

  async #open(
    medium: OpenMedium,
    projector: ProjectorDescriptor,
    store: ReadModelStore,
    batch: Partial<BatchLimits>,
  ): Promise<Projections> {
    const codec = new InMemoryCodec(knownEvents(this.#projector, this.#upcasters), this.#upcasters)
    // What fails is to be seen, and what the projector does not handle needs no code here.
    const policies = { onError: 'halt', onUnknownEvent: 'skip' } as const
    return await openProjections({
      kafka: this.#log(codec),
      codec,
      projectors: [{ ...projector, name: medium.projector, effects: new Map(), policies }],
      stores: { [projector.store]: store },
      batch,
      retry: { batchAttempts: 2, eventAttempts: 1, firstDelayMs: 0 },
    })
  }

  #log(codec: InMemoryCodec): InMemoryKafka {
    const kafka = new InMemoryKafka()
    const { topics, handlers } = this.#projector
    const wanted = codec.storedTypesOf(handlers.keys())
    const [firstTopic = ''] = topics
    for (const name of topics) kafka.log.createTopic({ name, partitions: 1 })
    const versions = new Map<string, number>()
    for (const { event, topic = firstTopic, ...options } of this.#events) {
      const version = (versions.get(options.key) ?? 0) + 1
      versions.set(options.key, version)
      const value = wanted.has(event.type) ? codec.encode(topic, event).value : Buffer.alloc(0)
      kafka.log.append({ topic, partition: 0, records: [eventRecord(event, value, { ...options, version })] })
    }
    return kafka
  }
}

/** What the projector handles, and the other events that upcasters start from or lead to. */
function knownEvents(
  { events }: ProjectorDescriptor,
  upcasters: readonly UpcasterDescriptor[],
): readonly AnyEventType[] {
  const others = upcasters.flatMap(({ source = [], step }) => {
    const targets = step.kind === 'rename' ? step.to : step.kind === 'split' ? step.into : []
    return [source, targets].flat() as readonly AnyEventType[]
  })
  return [...new Set([...events, ...others])]
}

/** The projector with a handler that throws once after so many events, when it is told to. */
function crashing(
  projector: ProjectorDescriptor,
  afterEvents: number,
): { readonly projector: ProjectorDescriptor; readonly crashNext: () => void } {
  let left = Number.POSITIVE_INFINITY
  const handlers = new Map<string, ProjectionHandler>()
  for (const [name, handler] of projector.handlers)
    handlers.set(name, (data, context) => {
      left -= 1
      if (left > 0) return handler(data, context)
      left = Number.POSITIVE_INFINITY
      throw new Error('the specification lets this transaction fail once')
    })
  return { projector: { ...projector, handlers }, crashNext: () => (left = afterEvents) }
}

function explained(error: unknown): unknown {
  const { code, cause, details } = error as { code?: string; cause?: unknown; details?: { differences?: string[] } }
  if (code === 'HANDLER_FAILED') return cause
  if (code !== 'VERIFICATION_FAILED') return error
  return new ExpectationFailed(
    `the rows differ when a transaction fails halfway and is run again: ${details?.differences?.join('; ')}. ` +
      'Keep nothing outside the transaction, and take neither the time nor random numbers',
  )
}

function wholeNumbers(rows: readonly unknown[]): readonly unknown[] {
  return rows.map((row) => {
    const members = Object.entries(row as Record<string, unknown>)
    return Object.fromEntries(
      members.map(([name, value]) => [name, Number.isInteger(value) ? BigInt(value as number) : value]),
    )
  })
}
