import { BufferWriter } from '@keyfold/bytes'
import type { Files, OpenFile } from '@keyfold/storage'
import { Broker, type BrokerWorld } from '../../../libs/broker/src/broker.ts'
import { ConsumerGroup } from '../../../libs/broker/src/consumer-groups/consumer-group.ts'
import { entryKinds } from '../../../libs/broker/src/entry-kinds.ts'
import { BrokerError } from '../../../libs/broker/src/errors.ts'
import { GroupCoordinator } from '../../../libs/broker/src/group-coordinator/group-coordinator.ts'
import { GroupRegister } from '../../../libs/broker/src/group-coordinator/group-register.ts'
import { TransactionTrail } from '../../../libs/broker/src/partition/compaction/transaction-trail.ts'
import { Partition } from '../../../libs/broker/src/partition/partition.ts'
import { ProducerStates } from '../../../libs/broker/src/partition/producer-states.ts'
import { TransactionIndex } from '../../../libs/broker/src/partition/transaction-index.ts'
import { TopicCatalog } from '../../../libs/broker/src/topics/topic-catalog.ts'
import { ProducerIds } from '../../../libs/broker/src/transactions/producer-ids.ts'
import { TransactionCoordinator } from '../../../libs/broker/src/transactions/transaction-coordinator.ts'
import { PartitionLog } from '../../../libs/storage/src/partition-log/partition-log.ts'
import { SegmentWriter } from '../../../libs/storage/src/partition-log/segment-writer.ts'
import { Storage } from '../../../libs/storage/src/storage.ts'

/*
 * Faults that brokers have had, put into this one from outside: nothing in the product knows of them. Each replaces a
 * method or two, and gives back the way to undo that. They show that the lanes would find such a fault.
 */

/** Puts a bug in; returns how to take it out again. */
export type PlantedBug = () => () => void

/** A journal entry of storage itself: a batch of records. */
const batchKind = 3

export const plantedBugs = {
  /** Answers as soon as the journal has the entry in memory. */
  'acknowledges before the sync': () =>
    replace(Storage.prototype, {
      durable: () => () => Promise.resolve(),
    }),

  /** Only offset commits do. */
  'acknowledges positions before the sync': () =>
    replace(GroupCoordinator.prototype, {
      commit: (commit) =>
        function (this: GroupCoordinator, groupId, entries) {
          commit.call(this, groupId, entries)
          return 0
        },
    }),

  /** Everybody sees undecided transactions: LSO = HW. */
  'lets read_committed readers see to the high watermark': () =>
    replaceGetter(Partition.prototype, 'lastStableOffset', function (this: Partition) {
      return this.highWatermark
    }),

  /** Readers get what no sync has covered yet. */
  'moves the high watermark to the end of the log': () =>
    replaceGetter(PartitionLog.prototype, 'durableEndOffset', function (this: PartitionLog) {
      return this.logEndOffset
    }),

  /** Only the first partition of a transaction learns its end. */
  'writes markers to one partition only': () =>
    replace(Storage.prototype, {
      appendAtomic: (append) =>
        function (this: Storage, entries) {
          const isEnd = entries.some(({ kind }) => kind === entryKinds.transactionEnded)
          const firstMarker = entries.find(({ kind }) => kind === batchKind)
          const kept = isEnd ? entries.filter((entry) => entry.kind !== batchKind || entry === firstMarker) : entries
          return append.call(this, kept)
        },
    }),

  /** A crash in between leaves a decision without its markers. */
  'writes markers after the decision, not with it': () =>
    replace(Storage.prototype, {
      appendAtomic: (append) =>
        function (this: Storage, entries) {
          const decision = entries.filter(({ kind }) => kind === entryKinds.transactionEnded)
          if (decision.length === 0) return append.call(this, entries)
          const lsn = append.call(this, decision)
          const appendMarkers = (): void => {
            for (const { kind, payload, body } of entries) {
              const log = kind === batchKind ? this.partitions.byId(payload.readInt32BE()) : undefined
              if (log === undefined || body === undefined) continue
              append.call(this, [this.partitions.batch(log, log.prepare(body))])
            }
          }
          void this.durable(lsn).then(appendMarkers, () => {})
          return lsn
        },
    }),

  /** A checkpoint forgets what the producers have sent. */
  'does not keep sequence numbers in checkpoints': () =>
    replace(ProducerStates.prototype, {
      write: () =>
        function (this: ProducerStates, writer) {
          writer.writeInt32(0)
        },
    }),

  /** A checkpoint forgets which transactions were aborted. */
  'does not keep aborted transactions in checkpoints': () =>
    replace(TransactionIndex.prototype, {
      write: (write) =>
        function (this: TransactionIndex, writer) {
          const whole = new BufferWriter()
          write.call(this, whole)
          const bytes = whole.toBuffer()
          // First come the open transactions with 16 bytes each, then the aborted ones: none of these.
          writer.writeBytes(bytes.subarray(0, 4 + 16 * bytes.readInt32BE(0)))
          writer.writeInt32(0)
        },
    }),

  /** After a restart, producer ids that were given out before are given out again. */
  'does not journal blocks of producer ids': () => {
    const coordinators: TransactionCoordinator[] = []
    const undo = [
      replace(TransactionCoordinator.prototype, {
        initProducerId: (init) =>
          function (this: TransactionCoordinator, request) {
            coordinators.push(this)
            return init.call(this, request)
          },
      }),
      replace(Storage.prototype, {
        append: (append) =>
          function (this: Storage, kind, payload) {
            if (kind !== entryKinds.producerIdsAllocated) return append.call(this, kind, payload)
            coordinators.at(-1)?.apply(kind, payload, this.lastLsn)
            return this.lastLsn
          },
      }),
      replace(ProducerIds.prototype, {
        snapshot: () =>
          function (this: ProducerIds, writer) {
            writer.writeInt64(0)
          },
      }),
    ]
    return () => undo.forEach((take) => take())
  },

  /** The journal is cut where the segments it was copied to have not been synced. */
  'makes a checkpoint before segments are synced': () =>
    replace(SegmentWriter.prototype, { sync: () => () => Promise.resolve() }),

  /** Transactions that a crash interrupted go on as if nothing had happened, with parts of them missing. */
  'does not end interrupted transactions': () =>
    replace(TransactionCoordinator.prototype, {
      abortUnfinished: () =>
        function () {
          return 0
        },
    }),

  /** A sync that failed is repeated, and then succeeds, though what it failed on is gone. */
  'repeats a failed sync': () => replaceOpen((world) => ({ ...world, files: repeatingSyncs(world.files) })),

  /** Compaction takes away what tells readers where an aborted transaction ends. */
  'compacts markers away that readers need': () =>
    replace(TransactionTrail.prototype, {
      pass: (pass) =>
        function (this: TransactionTrail, batch, header) {
          // The aborted transaction stays in the index: only its end is gone.
          return header.isControl || pass.call(this, batch, header)
        },
    }),

  /** What a compaction has written takes the place of what it has read before it is on the disk. */
  'does not sync what compaction writes': () =>
    replaceOpen((world) => ({ ...world, files: withoutSyncs(world.files, '.cleaned') })),

  /** Only DeleteRecords does not wait. */
  'acknowledges deleted records before the sync': () =>
    replace(Partition.prototype, {
      deleteRecordsBefore: (deleteRecords) =>
        function (this: Partition, offset) {
          return { ...deleteRecords.call(this, offset), lsn: 0 }
        },
    }),

  /** A checkpoint has the members of a group of the consumer protocol, but not how far they are. */
  'does not keep epochs of consumer groups in checkpoints': () =>
    replace(ConsumerGroup.prototype, {
      facts: (facts) =>
        function (this: ConsumerGroup) {
          const whole = facts.call(this)
          return { ...whole, members: whole.members.map((member) => ({ ...member, memberEpoch: 0 })) }
        },
    }),

  /** After a checkpoint nobody knows the static members of a classic group. */
  'does not keep members of groups in checkpoints': () =>
    replace(GroupRegister.prototype, {
      snapshot: (snapshot) =>
        function (this: GroupRegister) {
          const groups = JSON.parse(snapshot.call(this).toString()) as object[]
          return Buffer.from(JSON.stringify(groups.map((group) => ({ ...group, members: [] }))))
        },
    }),

  /** A topic comes back with the defaults. */
  'does not keep settings of topics in checkpoints': () =>
    replace(TopicCatalog.prototype, {
      snapshot: (snapshot) =>
        function (this: TopicCatalog) {
          const { topics, ...rest } = JSON.parse(snapshot.call(this).toString()) as { topics: object[] }
          return Buffer.from(JSON.stringify({ ...rest, topics: topics.map((topic) => ({ ...topic, configs: {} })) }))
        },
    }),

  /** A journal that is damaged in the middle is cut there. */
  'cuts a damaged journal instead of refusing': () => {
    const open = Broker.open.bind(Broker)
    Broker.open = async (world) => {
      try {
        return await open(world)
      } catch (error) {
        const place = /(\S+) is damaged at byte (\d+)/.exec(error instanceof BrokerError ? error.message : '')
        if (place === null) throw error
        await cutFile(world.files, place[1] ?? '', Number(place[2]))
        return open(world)
      }
    }
    return () => {
      Broker.open = open
    }
  },
} satisfies Record<string, PlantedBug>

export type PlantedBugName = keyof typeof plantedBugs

type Method = (...parameters: never[]) => unknown
type Methods<T> = { [K in keyof T as T[K] extends Method ? K : never]: T[K] }

/** Replaces methods by others that know the originals. */
function replace<T extends object>(
  prototype: T,
  replacements: { [K in keyof Methods<T>]?: (original: Methods<T>[K]) => Methods<T>[K] },
): () => void {
  const undo: (() => void)[] = []
  for (const [name, replacement] of Object.entries(replacements) as [string, (original: unknown) => unknown][]) {
    const original = Object.getOwnPropertyDescriptor(prototype, name)
    if (original === undefined) throw new Error(`there is no ${name} to put a bug into`)
    Object.defineProperty(prototype, name, { ...original, value: replacement(original.value) })
    undo.push(() => Object.defineProperty(prototype, name, original))
  }
  return () => undo.forEach((take) => take())
}

function replaceGetter<T extends object>(prototype: T, name: keyof T & string, get: (this: T) => unknown): () => void {
  const original = Object.getOwnPropertyDescriptor(prototype, name)
  if (original?.get === undefined) throw new Error(`there is no ${name} to put a bug into`)
  Object.defineProperty(prototype, name, { ...original, get })
  return () => Object.defineProperty(prototype, name, original)
}

function replaceOpen(change: (world: BrokerWorld) => BrokerWorld): () => void {
  const open = Broker.open.bind(Broker)
  Broker.open = (world) => open(change(world))
  return () => {
    Broker.open = open
  }
}

function repeatingSyncs(files: Files): Files {
  return withFiles(files, (file) => withSync(file, () => file.fdatasync().catch(() => file.fdatasync())))
}

/** Files whose names end so are never synced. */
function withoutSyncs(files: Files, ending: string): Files {
  const nothing = (): Promise<void> => Promise.resolve()
  return withFiles(files, (file, path) => (path.endsWith(ending) ? withSync(file, nothing) : file))
}

function withFiles(files: Files, change: (file: OpenFile, path: string) => OpenFile): Files {
  return {
    location: files.location,
    lock: () => files.lock(),
    open: async (path, mode) => change(await files.open(path, mode), path),
    sizeOf: (path) => files.sizeOf(path),
    list: (directory) => files.list(directory),
    makeDirectory: (directory) => files.makeDirectory(directory),
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    removeDirectory: (directory) => files.removeDirectory(directory),
    fsyncDirectory: (directory) => files.fsyncDirectory(directory),
  }
}

function withSync(file: OpenFile, fdatasync: () => Promise<void>): OpenFile {
  return {
    read: (target, position) => file.read(target, position),
    write: (chunks, position) => file.write(chunks, position),
    fdatasync,
    truncate: (size) => file.truncate(size),
    close: () => file.close(),
  }
}

/** Zeros from a position to the end of a file. */
async function cutFile(files: Files, path: string, position: number): Promise<void> {
  const size = (await files.sizeOf(path)) ?? position
  const file = await files.open(path, 'write')
  await file.write([Buffer.alloc(size - position)], position)
  await file.fdatasync()
  await file.close()
}
