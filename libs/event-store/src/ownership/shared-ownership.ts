import type { AggregateDescriptor } from '@keyfold/eventsourcing'
import type { KafkaGroups } from '@keyfold/kafka'
import type { CommandOutcome } from '../command-outcome.ts'
import { fail } from '../errors.ts'
import type { EventStoreLogger } from '../event-store-options.ts'
import type { OwnershipGrant } from '../writer/claim.ts'
import type { PartitionWriter } from '../writer/partition-writer.ts'
import type { CommandRequest } from '../writer/pending-command.ts'
import { CommandRouter } from './command-router.ts'
import type { CommandPlace } from './command-place.ts'
import { GroupWatch } from './group-watch.ts'
import { OwnedPartitions } from './owned-partitions.ts'
import type { OwnershipSettings } from './ownership-options.ts'
import { PeerLinks } from './peers/peer-link.ts'
import type { CommandMessage } from './peers/peer-messages.ts'
import { PeerServer } from './peers/peer-server.ts'
import { type Instance, RoutingTable } from './routing-table.ts'

export interface SharedOwnershipOptions {
  readonly application: string
  readonly instanceId: string
  readonly groups: KafkaGroups
  readonly aggregates: readonly { readonly aggregate: AggregateDescriptor; readonly partitions: number }[]
  readonly settings: OwnershipSettings
  readonly openWriter: (
    aggregate: AggregateDescriptor,
    partition: number,
    tenure: { readonly grant: OwnershipGrant; readonly onFenced: () => void },
  ) => PartitionWriter
  readonly claimsAtOnce: number
  readonly log: EventStoreLogger
}

/** How long commands on their way may keep this instance from closing, in milliseconds. */
const closingMs = 10_000

/** Instances share the partitions of each aggregate, and send each other the commands. */
export async function shareOwnership(options: SharedOwnershipOptions): Promise<CommandPlace> {
  const place = new SharedOwnership(options)
  try {
    await place.start()
    return place
  } catch (error) {
    await place.close()
    throw error
  }
}

/** One aggregate's side of it. */
interface Territory {
  readonly descriptor: AggregateDescriptor
  readonly table: RoutingTable
  readonly router: CommandRouter
  readonly watch: GroupWatch
  owned: OwnedPartitions<PartitionWriter> | undefined
}

class SharedOwnership implements CommandPlace {
  readonly #options: SharedOwnershipOptions
  readonly #links: PeerLinks
  readonly #territories: ReadonlyMap<string, Territory>
  readonly #claims: (claim: () => Promise<void>) => Promise<void>
  #server: PeerServer | undefined
  #closing = false
  #running = 0
  #idle: () => void = () => undefined

  constructor(options: SharedOwnershipOptions) {
    this.#options = options
    const { aggregates, claimsAtOnce, settings } = options
    this.#links = new PeerLinks(this.#identity(), settings.inFlightPerPeer)
    this.#claims = atMost(claimsAtOnce)
    this.#territories = new Map(aggregates.map(({ aggregate }) => [aggregate.name, this.#territory(aggregate)]))
  }

  async start(): Promise<void> {
    const { aggregates, settings } = this.#options
    if (settings.role === 'api') {
      await Promise.all([...this.#territories.values()].map(({ watch }) => watch.start()))
      return
    }
    this.#server = await PeerServer.listen(settings.host, settings.port, {
      identity: this.#identity(),
      execute: (message) => this.#serve(message),
      regroup: (aggregate) => this.#territories.get(aggregate)?.owned?.hurry(),
      inFlightMax: settings.inFlightPerPeer,
    })
    const self = { instanceId: this.#options.instanceId, url: settings.advertised ?? this.#server.address }
    const started = aggregates.map(({ aggregate, partitions }) => this.#own(aggregate, partitions, self))
    await Promise.all(started)
  }

  async submit(aggregate: string, partition: number, request: CommandRequest): Promise<CommandOutcome> {
    const { commandId } = request
    const territory = this.#territories.get(aggregate)
    if (this.#closing || territory === undefined)
      return { kind: 'failed', error: fail('EVENT_STORE_CLOSED', 'the event store is closing'), commandId }
    this.#running++
    try {
      return await territory.router.submit(partition, request)
    } finally {
      if (--this.#running === 0) this.#idle()
    }
  }

  /** Hands the partitions over, then waits for the commands of this instance's callers: the new owners have them now. */
  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    const territories = [...this.#territories.values()]
    await Promise.all(territories.map((territory) => this.#handOver(territory)))
    await Promise.all([this.#server?.close(closingMs), this.#ranOut()])
    for (const { watch } of territories) watch.close()
    this.#links.close()
  }

  async #handOver(territory: Territory): Promise<void> {
    const { owned, table, watch, descriptor } = territory
    if (owned === undefined) return
    const others = table.instances.filter(({ instanceId }) => instanceId !== this.#options.instanceId)
    await owned.close(() => {
      // It hears no more assignments, and the others need not wait for their next heartbeat.
      void watch.start()
      for (const other of others) void this.#links.regroup(other, descriptor.name)
    })
  }

  #ranOut(): Promise<void> {
    if (this.#running === 0) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, closingMs)
    this.#idle = () => {
      clearTimeout(timer)
      resolve()
    }
    return promise
  }

  #territory(descriptor: AggregateDescriptor): Territory {
    const { application, groups, log, settings } = this.#options
    const table = new RoutingTable()
    const groupId = writersGroup(application, descriptor.name)
    const watch = new GroupWatch({ groups, groupId, table, everyMs: settings.heartbeatIntervalMs, log })
    const territory: Territory = {
      descriptor,
      table,
      watch,
      owned: undefined,
      router: new CommandRouter({
        table,
        here: (partition, request) => territory.owned?.writerOf(partition)?.submit(request),
        there: (instance, partition, { command, ...request }) =>
          this.#links.ask(instance, {
            aggregate: descriptor.name,
            partition,
            // A copy of it may lie in a connection while it is done elsewhere: it is always looked for first.
            request: { ...request, isFirstTry: false, payload: { ...command } },
          }),
        refresh: () => {
          territory.owned?.hurry()
          watch.hurry()
        },
      }),
    }
    return territory
  }

  #own(descriptor: AggregateDescriptor, partitions: number, self: Instance): Promise<void> {
    const { application, groups, settings, log, openWriter } = this.#options
    const territory = this.#territories.get(descriptor.name)
    if (territory === undefined) throw new TypeError(`no territory of ${descriptor.name}`)
    territory.owned = new OwnedPartitions({
      groups,
      groupId: writersGroup(application, descriptor.name),
      topic: descriptor.topic,
      partitions,
      self,
      settings,
      table: territory.table,
      openWriter: (partition, grant, onFenced) => openWriter(descriptor, partition, { grant, onFenced }),
      whenFree: this.#claims,
      log,
    })
    return territory.owned.started
  }

  /** A command from another instance: done here, or not at all. */
  async #serve({ aggregate, partition, request }: CommandMessage): Promise<CommandOutcome> {
    const { commandId, name } = request
    const territory = this.#territories.get(aggregate)
    const Type = territory?.descriptor.commands.find(({ command }) => command.name === name)
    if (territory === undefined || Type === undefined) {
      const error = fail('COMMAND_UNKNOWN', `no aggregate of instance ${this.#options.instanceId} handles ${name}`)
      return { kind: 'failed', error, commandId }
    }
    const writer = territory.owned?.writerOf(partition)
    const { payload, ...rest } = request
    if (writer !== undefined)
      return withOwner(await writer.submit({ ...rest, command: new Type(payload) }), territory, partition)
    const place = `${territory.descriptor.topic}/${partition}`
    return withOwner(
      {
        kind: 'failed',
        error: fail('NOT_OWNER', `instance ${this.#options.instanceId} does not own ${place}`),
        commandId,
      },
      territory,
      partition,
    )
  }

  #identity() {
    const { application, instanceId, settings } = this.#options
    return { application, instanceId, secret: settings.secret }
  }
}

/** The name of the group in which instances share an aggregate's partitions. */
export function writersGroup(application: string, aggregate: string): string {
  return `${application}.${aggregate}.writers`
}

/** Who is not the owner says who is, as far as it knows. */
function withOwner(outcome: CommandOutcome, { table }: Territory, partition: number): CommandOutcome {
  if (outcome.kind !== 'failed' || outcome.error.code !== 'NOT_OWNER') return outcome
  const owner = table.ownerOf(partition)
  const known = owner === undefined ? {} : { owner: { instanceId: owner.instanceId, url: owner.url } }
  const details = { ...known, generation: table.generation }
  return { ...outcome, error: fail('NOT_OWNER', outcome.error.message, { details }) }
}

/** Runs jobs in order, so many at a time. */
function atMost(count: number): (job: () => Promise<void>) => Promise<void> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (job) => {
    if (running >= count) await new Promise<void>((resolve) => waiting.push(resolve))
    running++
    try {
      await job()
    } finally {
      running--
      waiting.shift()?.()
    }
  }
}
