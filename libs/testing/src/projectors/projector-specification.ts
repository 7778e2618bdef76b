import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AnyEventType,
  type DescribedClass,
  descriptorOf,
  type DomainEvent,
  type ProjectionHandler,
  type ProjectorDescriptor,
  type UpcasterDescriptor,
} from '@keyfold/eventsourcing'
import { openProjections, SqliteReadModelStore, type SqliteReader, type SqliteValue } from '@keyfold/projections'
import { InMemoryCodec } from '../events/in-memory-codec.ts'
import { eventRecord } from '../events/event-record.ts'
import { ExpectationFailed } from '../expectation-failed.ts'
import { InMemoryKafka } from '../kafka/in-memory-kafka.ts'
import { alike } from '../printed.ts'

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
  { upcasters = [] }: ProjectorSpecificationOptions = {},
): ProjectorSpecification {
  return new ProjectorSpecification(descriptorOf(target, 'projector'), events, upcasters)
}

export interface ProjectorSpecificationOptions {
  /** Those of the aggregates that it reads, for events of older versions (`eventAt`). Left out: resolution only. */
  readonly upcasters?: readonly UpcasterDescriptor[]
}

/** A projector and a log. Every question plays the log on the real runner, into SQLite files that are deleted again. */
export class ProjectorSpecification {
  readonly #projector: ProjectorDescriptor
  readonly #events: readonly GivenEvent[]
  readonly #upcasters: readonly UpcasterDescriptor[]

  constructor(
    projector: ProjectorDescriptor,
    events: readonly GivenEvent[],
    upcasters: readonly UpcasterDescriptor[] = [],
  ) {
    this.#projector = projector
    this.#events = events
    this.#upcasters = upcasters
  }

  /**
   * The query answers these rows, in this order; whole numbers may be written as numbers or bigints. It must also be so
   * when a transaction fails halfway and its events are delivered again: rows may depend on the events alone.
   * @throws {ExpectationFailed}
   */
  async thenRows(sql: string, rows: readonly Readonly<Record<string, SqliteValue>>[]): Promise<void> {
    const actual = await this.#play(sql)
    if (alike(wholeNumbers(actual), wholeNumbers(rows))) return
    throw new ExpectationFailed('other rows', { actual, expected: rows })
  }

  async #play(sql: string): Promise<readonly unknown[]> {
    const directory = await mkdtemp(join(tmpdir(), 'keyfold-specification-'))
    const codec = new InMemoryCodec(knownEvents(this.#projector, this.#upcasters), this.#upcasters)
    const { projector, crashNext } = crashing(this.#projector, Math.ceil(this.#events.length / 2))
    const stores = { [projector.store]: new SqliteReadModelStore({ directory }) }
    const projections = await openProjections({
      kafka: this.#log(codec),
      codec,
      // What fails is to be seen, and what the projector does not handle needs no code here.
      projectors: [{ ...projector, policies: { onError: 'halt', onUnknownEvent: 'skip' } }],
      stores,
      retry: { batchAttempts: 2, eventAttempts: 1, firstDelayMs: 0 },
    })
    try {
      await projections.startProjector(projector.name)
      const rows = projections.read<SqliteReader>(projector.name).bigints.all<object>(sql)
      crashNext()
      await projections.rebuild(projector.name)
      return rows.map((row) => ({ ...row }))
    } catch (error) {
      throw explained(error)
    } finally {
      await projections.close()
      await rm(directory, { recursive: true, force: true })
    }
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
