import {
  type AggregateDescriptor,
  type Command,
  commandDefinitionOf,
  type CommandDefinition,
  refuseDuplicates,
} from '@keyfold/eventsourcing'
import { partitionForKey } from '@keyfold/kafka'
import type { CommandOutcome } from './command-outcome.ts'
import { validatedCommand } from './command-validation.ts'
import type { StoredEvent } from './envelope.ts'
import { fail } from './errors.ts'
import { defaultLimits, type EventStoreLogger, type EventStoreOptions } from './event-store-options.ts'
import { prepareTopics, stateTopicOf } from './event-topics.ts'
import { commandFingerprint } from './fingerprint.ts'
import { passGate } from './gate/pass-gate.ts'
import { readEvents, type ReadEventsOptions } from './read-events.ts'
import type { WriterContext } from './writer/claim.ts'
import { PartitionWriter } from './writer/partition-writer.ts'

export interface ExecuteOptions {
  /** The caller's id of this command: repeated, it gets the original outcome. Left out: a new one. */
  readonly commandId?: string
  /** Fail with `EXPECTED_VERSION_CONFLICT` unless the aggregate has exactly this version. */
  readonly expectedVersion?: number
  readonly correlationId?: string
  readonly causationId?: string
  /** How long to wait, in milliseconds. Default: the store's. */
  readonly deadlineMs?: number
}

export interface EventStore {
  /** Decides a command and makes its events durable. Never rejects for an operating error: the outcome says it. */
  execute(command: Command, options?: ExecuteOptions): Promise<CommandOutcome>
  /** Events of a topic as stored: for showing and debugging. */
  readEvents(options: ReadEventsOptions): Promise<readonly StoredEvent[]>
  /** Finishes what is being committed, answers what waits, gives the partitions up. The Kafka client stays open. */
  close(): Promise<void>
}

/**
 * Makes the topics and schemas of the aggregates ready, looks whether this code can read what is stored, and claims all of their partitions: an event store of the same
 * application that ran before is fenced from here on. A partition that cannot be opened refuses its commands, and the
 * log says why; the others work.
 * Errors: `GATE_REFUSED`, `UPCASTERS_INVALID`, `SCHEMA_INCOMPATIBLE`, `REGISTRY_UNREACHABLE`, `EVENT_NAME_TAKEN`, `TOPIC_MISMATCH`, those of
 * the Kafka client.
 * @throws {TypeError} when two aggregates share a name, a topic or a command.
 */
export async function openEventStore(options: EventStoreOptions): Promise<EventStore> {
  const { aggregates, codec, kafka, partitions = 4, logger = () => undefined } = options
  refuseOverlaps(aggregates)
  const limits = { ...defaultLimits, ...options.limits }
  const counts = await prepareTopics(kafka, aggregates, partitions, logger)
  const { gate = {}, startRetry = {} } = options
  await passGate({ kafka, codec, aggregates, logger, gate, startRetry })
  const newId = options.newId ?? (() => globalThis.crypto.randomUUID())
  const shared = { ...options, limits, newId, clock: options.clock ?? (() => new Date()), instanceId: newId() }
  const routes = new Map<string, Route>()
  const writers: PartitionWriter[] = []
  for (const aggregate of aggregates) {
    const stateTopic = stateTopicOf(aggregate.topic)
    const ofAggregate = Array.from({ length: counts.get(aggregate.topic) ?? partitions }, (_, partition) => {
      const context: WriterContext = { ...shared, aggregate, partition, stateTopic }
      return new PartitionWriter(context, logger)
    })
    writers.push(...ofAggregate)
    for (const name of aggregate.decide.keys()) routes.set(name, { writers: ofAggregate })
  }
  await startAll(writers, limits.claimsAtOnce)
  return new RoutingEventStore({ ...options, newId, logger, deadlineMs: limits.deadlineMs }, routes, writers)
}

interface Route {
  /** By partition. */
  readonly writers: readonly PartitionWriter[]
}

type RoutingOptions = EventStoreOptions & {
  readonly newId: () => string
  readonly logger: EventStoreLogger
  readonly deadlineMs: number
}

/** Finds the writer of a command's aggregate. */
class RoutingEventStore implements EventStore {
  readonly #options: RoutingOptions
  readonly #routes: ReadonlyMap<string, Route>
  readonly #writers: readonly PartitionWriter[]

  constructor(options: RoutingOptions, routes: ReadonlyMap<string, Route>, writers: readonly PartitionWriter[]) {
    this.#options = options
    this.#routes = routes
    this.#writers = writers
  }

  async execute(command: Command, options: ExecuteOptions = {}): Promise<CommandOutcome> {
    const commandId = options.commandId ?? this.#options.newId()
    const definition = commandDefinitionOf(command)
    const route = definition === undefined ? undefined : this.#routes.get(definition.name)
    if (definition === undefined || route === undefined) {
      const name = definition?.name ?? command.constructor.name
      return { kind: 'failed', error: fail('COMMAND_UNKNOWN', `no aggregate handles ${name}`), commandId }
    }
    const valid = await validatedCommand(command, definition)
    if (valid.kind === 'invalid') return { kind: 'failed', error: valid.error, commandId }
    const writer = route.writers[partitionForKey(Buffer.from(valid.key), route.writers.length)]
    if (writer === undefined) throw new TypeError(`no writer for ${valid.key}`)
    return writer.submit(this.#request(valid, definition, commandId, options))
  }

  readEvents(options: ReadEventsOptions): Promise<readonly StoredEvent[]> {
    return readEvents(this.#options.kafka, this.#options.codec, options)
  }

  async close(): Promise<void> {
    await Promise.all(this.#writers.map((writer) => writer.close()))
  }

  #request(
    { command, key }: { readonly command: Command; readonly key: string },
    { name }: CommandDefinition<Record<string, unknown>>,
    commandId: string,
    options: ExecuteOptions,
  ) {
    return {
      command,
      name,
      key,
      commandId,
      idGiven: options.commandId !== undefined,
      fingerprint: commandFingerprint(name, { ...command }),
      expectedVersion: options.expectedVersion,
      correlationId: options.correlationId,
      causationId: options.causationId,
      deadlineMs: options.deadlineMs ?? this.#options.deadlineMs,
    }
  }
}

function refuseOverlaps(aggregates: readonly AggregateDescriptor[]): void {
  refuseDuplicates(
    'the event store has the aggregate',
    aggregates.map(({ name }) => name),
  )
  refuseDuplicates(
    'aggregates use the topic',
    aggregates.map(({ topic }) => topic),
  )
  refuseDuplicates(
    'aggregates handle the command',
    aggregates.flatMap(({ decide }) => [...decide.keys()]),
  )
}

/** Starts writers, some at a time, in order. */
async function startAll(writers: readonly PartitionWriter[], atOnce: number): Promise<void> {
  const waiting = [...writers]
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next.start()
    }),
  )
}
