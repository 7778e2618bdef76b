import {
  type AggregateQueries,
  type EventStore,
  openAggregateQueries,
  openEventStore,
  RegistryEventCodec,
} from '@keyfold/event-store'
import type { AggregateDescriptor, ProjectorDescriptor } from '@keyfold/eventsourcing'
import { openProjections, type Projections, SqliteReadModelStore } from '@keyfold/projections'
import type { Closers } from '../closers.ts'
import type { ResolvedOptions } from '../keyfold-options.ts'
import type { Log } from '../logging.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Cluster } from './cluster.ts'

/** What an application runs on a cluster; the role `none` has the queries only. */
export interface Application {
  readonly aggregates: AggregateQueries
  readonly eventStore: EventStore | undefined
  readonly projections: Projections | undefined
}

export interface ApplicationParts {
  readonly options: ResolvedOptions
  readonly cluster: Cluster
  readonly aggregates: readonly AggregateDescriptor[]
  readonly projectors: readonly ProjectorDescriptor[]
  readonly telemetry: Telemetry | undefined
  readonly closers: Closers
  readonly log: Log
}

/** Errors: those of the event store and of the projections. */
export async function startApplication(parts: ApplicationParts): Promise<Application> {
  const { options, cluster, aggregates } = parts
  const url = cluster.addresses.registryUrl
  if (options.role === 'none') {
    const codec = new RegistryEventCodec({ url, register: 'none' })
    const world = worldOf(options)
    const queries = await openAggregateQueries({ kafka: cluster.kafka, codec, aggregates, ...world })
    return { aggregates: queries, eventStore: undefined, projections: undefined }
  }
  const codec = new RegistryEventCodec({ url, register: options.registerSchemas })
  const eventStore = await startEventStore(parts, codec)
  const projections = await startProjections(parts, codec)
  return { aggregates: eventStore.aggregates, eventStore, projections }
}

async function startEventStore(parts: ApplicationParts, codec: RegistryEventCodec): Promise<EventStore> {
  const { options, cluster, aggregates, telemetry, closers, log } = parts
  const { application, partitions, gate, ownership } = options
  const eventStore = await openEventStore({
    application,
    kafka: cluster.kafka,
    codec,
    aggregates,
    partitions,
    gate,
    ...worldOf(options),
    ownership,
    dataDirectory: `${options.dataDirectory}/state/${cluster.addresses.clusterId}`,
    ...(options.startRetry && { startRetry: options.startRetry }),
    ...(telemetry && { onSignal: (signal) => telemetry.signal(signal) }),
    logger: log,
  })
  closers.add('the event store', 'base', () => eventStore.close())
  return eventStore
}

async function startProjections(parts: ApplicationParts, codec: RegistryEventCodec): Promise<Projections> {
  const { options, cluster, projectors, telemetry, closers, log } = parts
  // Positions belong to one cluster: read models of another one must not be taken for its own.
  const directory = `${options.dataDirectory}/read-models/${cluster.addresses.clusterId}`
  const projections = await openProjections({
    kafka: cluster.kafka,
    codec,
    projectors,
    stores: { sqlite: new SqliteReadModelStore({ directory }), ...options.stores },
    logger: log,
    ...sharingOf(options),
  })
  closers.add('the read models', 'base', () => projections.close())
  const stopObserving = telemetry?.observe(() => projections.status())
  closers.add('the projectors', 'workers', async () => {
    stopObserving?.()
    await projections.stop()
  })
  if (options.role !== 'api' || options.projections !== 'alone') await projections.start()
  return projections
}

/** With a store that only one process can use, or a client without groups, nothing is shared all the same. */
function sharingOf({ application, projections = 'shared', role }: ResolvedOptions) {
  if (projections === 'alone' || role === 'none') return {}
  const own = typeof projections === 'object' ? projections : {}
  return { sharing: { application, instanceId: globalThis.crypto.randomUUID(), role, ...own } }
}

function worldOf({ clock, newId }: ResolvedOptions) {
  return { ...(clock && { clock }), ...(newId && { newId }) }
}
