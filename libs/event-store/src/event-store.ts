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
import type { Extensions } from './extensions.ts'
import { passGate } from './gate/pass-gate.ts'
import { type CommandPlace, ownAlone } from './ownership/command-place.ts'
import { ownershipSettings } from './ownership/ownership-options.ts'
import { shareOwnership } from './ownership/shared-ownership.ts'
import { passPreflight } from './preflight/pass-preflight.ts'
import { type AggregateQueries, aggregateQueries } from './queries/aggregate-queries.ts'
import { readEvents, type ReadEventsOptions } from './read-events.ts'
import { SqliteAggregateStores } from './state/sqlite-aggregate-store.ts'
import { StateStores } from './state/state-stores.ts'
import type { OwnershipGrant } from './writer/claim.ts'
import { PartitionWriter } from './writer/partition-writer.ts'

export interface ExecuteOptions {
  /** The caller's id of this command: repeated, it gets the original outcome. Left out: a new one. */
  readonly commandId?: string
  /** Fail with `EXPECTED_VERSION_CONFLICT` unless the aggregate has exactly this version. */
  readonly expectedVersion?: number
  readonly correlationId?: string
  readonly causationId?: string
  /** CloudEvents extension attributes of its events: actor, tenant, traceparent … At most 16 of 1 KiB. */
  readonly extensions?: Extensions
  /** How long to wait, in milliseconds. Default: the store's. */
  readonly deadlineMs?: number
}

export interface EventStore {
  /** Decides a command and makes its events durable. Never rejects for an operating error: the outcome says it. */
  execute(command: Command, options?: ExecuteOptions): Promise<CommandOutcome>
  /** Events of a topic as stored: for showing and debugging. */
  readEvents(options: ReadEventsOptions): Promise<readonly StoredEvent[]>
  /** What aggregates are and were, and what they would answer. */
  readonly aggregates: AggregateQueries
  /** Finishes what is being committed, answers what waits, gives the partitions up. The Kafka client stays open. */
  close(): Promise<void>
}

/**
 * Makes the topics and schemas of the aggregates ready, looks whether this code can read what is stored, and takes its
 * place. Alone, it claims all partitions, and an event store of the same application that ran before is fenced from here
 * on. Shared, it joins the others, claims its share and sends commands for the rest to their owners. A partition that
 * cannot be opened refuses its commands, and the log says why; the others work.
 * Errors: `GATE_REFUSED`, `UPCASTERS_INVALID`, `SCHEMA_INCOMPATIBLE`, `REGISTRY_UNREACHABLE`, `EVENT_NAME_TAKEN`, `TOPIC_MISMATCH`,
 * `PREFLIGHT_REFUSED`, `PEER_LISTEN_FAILED`, `GROUPS_UNSUPPORTED`, those of the Kafka client.
 * @throws {TypeError} when two aggregates share a name, a topic or a command.
 */
export async function openEventStore(options: EventStoreOptions): Promise<EventStore> {
  const { aggregates, codec, kafka, partitions = 4, logger = () => undefined } = options
  refuseOverlaps(aggregates)
  const limits = { ...defaultLimits, ...options.limits }
  const counts = await prepareTopics(kafka, aggregates, partitions, logger)
  const { gate = {}, startRetry = {}, preflight: mode = 'refuse' } = options
  await passPreflight({ kafka, aggregates, mode, log: logger })
  await passGate({ kafka, codec, aggregates, logger, gate, startRetry })
  const newId = options.newId ?? (() => globalThis.crypto.randomUUID())
  const clock = options.clock ?? (() => new Date())
  const warn = (message: string) => logger('warn', message)
  const stores = new StateStores(localStores(options.dataDirectory, newId), warn)
  const shared = { ...options, limits, newId, clock, instanceId: newId(), stores, warn }
  const routes = new Map<string, Route>()
  const territories = aggregates.map((aggregate) => {
    const count = counts.get(aggregate.topic) ?? partitions
    for (const name of aggregate.decide.keys()) routes.set(name, { aggregate, partitions: count })
    return { aggregate, partitions: count }
  })
  const openWriter: OpenWriter = (aggregate, partition, tenure) => {
    const { grant, onFenced } = tenure ?? {}
    const context = { ...shared, aggregate, partition, stateTopic: stateTopicOf(aggregate.topic) }
    return new PartitionWriter(grant === undefined ? context : { ...context, grant }, logger, onFenced)
  }
  const place = await takePlace({ ...shared, logger, claimsAtOnce: limits.claimsAtOnce }, territories, openWriter)
  return new RoutingEventStore({ ...options, newId, logger, deadlineMs: limits.deadlineMs }, routes, place)
}

type Territory = Route

type OpenWriter = (
  aggregate: AggregateDescriptor,
  partition: number,
  tenure?: { readonly grant: OwnershipGrant; readonly onFenced: () => void },
) => PartitionWriter

type PlaceOptions = Pick<EventStoreOptions, 'application' | 'kafka' | 'ownership'> & {
  readonly instanceId: string
  readonly logger: EventStoreLogger
  readonly claimsAtOnce: number
}

/** Makes this process the owner of all partitions, or one of the instances that share them. */
function takePlace(
  options: PlaceOptions,
  territories: readonly Territory[],
  openWriter: OpenWriter,
): Promise<CommandPlace> {
  const { application, claimsAtOnce, instanceId, kafka, logger, ownership = 'alone' } = options
  if (ownership === 'alone') {
    const writers = territories.map(({ aggregate, partitions }) => {
      const own = Array.from({ length: partitions }, (_, partition) => openWriter(aggregate, partition))
      return [aggregate.name, own] as const
    })
    return ownAlone(new Map(writers), claimsAtOnce)
  }
  const { groups } = kafka
  if (groups === undefined) throw fail('GROUPS_UNSUPPORTED', 'this Kafka client has no groups to share partitions in')
  return shareOwnership({
    application,
    instanceId,
    groups,
    aggregates: territories,
    settings: ownershipSettings(ownership === 'shared' ? {} : ownership, instanceId),
    openWriter,
    claimsAtOnce,
    log: logger,
  })
}

function localStores(directory: string | undefined, newToken: () => string): SqliteAggregateStores | undefined {
  return directory === undefined ? undefined : new SqliteAggregateStores(directory, newToken)
}

interface Route {
  readonly aggregate: AggregateDescriptor
  /** How many its topic has. */
  readonly partitions: number
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
  readonly #place: CommandPlace
  readonly aggregates: AggregateQueries

  constructor(options: RoutingOptions, routes: ReadonlyMap<string, Route>, place: CommandPlace) {
    this.#options = options
    this.#routes = routes
    this.#place = place
    this.aggregates = aggregateQueries(options)
  }

  async execute(command: Command, options: ExecuteOptions = {}): Promise<CommandOutcome> {
    const commandId = options.commandId ?? this.#options.newId()
    const definition = commandDefinitionOf(command)
    const route = definition === undefined ? undefined : this.#routes.get(definition.name)
    if (definition === undefined || route === undefined) {
      const name = definition?.name ?? command.constructor.name
      return { kind: 'failed', error: fail('COMMAND_UNKNOWN', `no aggregate handles ${name}`), commandId }
    }
    const valid = await validatedCommand(command, definition, options.extensions)
    if (valid.kind === 'invalid') return { kind: 'failed', error: valid.error, commandId }
    const { aggregate, partitions } = route
    const partition = partitionForKey(Buffer.from(aggregate.partitionKey(valid.key)), partitions)
    return this.#place.submit(aggregate.name, partition, this.#request(valid, definition, commandId, options))
  }

  readEvents(options: ReadEventsOptions): Promise<readonly StoredEvent[]> {
    const aggregate = this.#options.aggregates.find(({ topic }) => topic === options.topic)
    return readEvents(this.#options.kafka, this.#options.codec, { partitionKey: aggregate?.partitionKey, ...options })
  }

  async close(): Promise<void> {
    await this.#place.close()
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
      isFirstTry: options.commandId === undefined,
      fingerprint: commandFingerprint(name, { ...command }),
      expectedVersion: options.expectedVersion,
      correlationId: options.correlationId,
      causationId: options.causationId,
      extensions: options.extensions ?? {},
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
