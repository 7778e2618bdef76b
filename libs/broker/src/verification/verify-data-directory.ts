import {
  type Files,
  inspectLog,
  type LogFinding,
  NodeFiles,
  OverlayFiles,
  type PartitionLog,
  repairIndexes,
} from '@keyfold/storage'
import { Broker } from '../broker.ts'
import { BrokerConfig } from '../config/broker-config.ts'
import { BrokerError } from '../errors.ts'
import { type BrokerLog, logTo } from '../log.ts'
import type { Partition } from '../partition/partition.ts'
import { TimerHeap } from '../scheduler.ts'
import { RebuiltPartition } from './rebuilt-partition.ts'

/** Something in a data directory that is not as it should be. */
export interface VerificationFinding {
  readonly kind: 'journal' | 'checkpoint' | 'log' | 'index' | 'producers' | 'transactions'
  /** A file below the data directory, or a partition. */
  readonly place: string
  /** Byte in the file; -1 where there is none. */
  readonly position: number
  readonly what: string
  /** It could be, and was, made anew from what it is derived from. */
  readonly isRepaired: boolean
}

export interface VerificationReport {
  readonly findings: readonly VerificationFinding[]
  /** What the next start will do by itself, such as cutting a torn tail. */
  readonly notes: readonly string[]
  readonly partitions: number
  readonly batches: number
}

export interface VerificationOptions {
  readonly dataDirectory: string
  /** Writes indexes that do not fit their logs anew. Nothing else is ever changed. */
  readonly repair?: boolean
}

/**
 * Checks the data directory of a broker that is not running, without changing it: the journal and the checkpoint are
 * recovered in memory, every batch of every log is read, indexes are compared with the logs, and what partitions know of
 * producers and transactions with what their logs say.
 * Throws `BrokerError` DATA_DIRECTORY_LOCKED or DATA_DIRECTORY_UNUSABLE.
 */
export async function verifyDataDirectory({ dataDirectory, repair = false }: VerificationOptions) {
  const files = new NodeFiles(dataDirectory)
  if ((await files.list('journal')).length === 0) {
    throw new BrokerError('DATA_DIRECTORY_UNUSABLE', `${dataDirectory} is not the data directory of a broker`)
  }
  return verifyFiles(files, repair)
}

/** The same for any files. */
export async function verifyFiles(files: Files, repair: boolean): Promise<VerificationReport> {
  const notes: string[] = []
  const overlay = new OverlayFiles(files)
  let broker: Broker
  try {
    broker = await recovered(overlay, notes)
  } catch (error) {
    const finding = unrecoverable(error)
    if (finding === undefined) throw error
    return { findings: [finding], notes, partitions: 0, batches: 0 }
  }
  try {
    return { notes, ...(await verifyPartitions(broker, overlay, repair ? files : undefined)) }
  } finally {
    // Its checkpoint goes into the memory that is about to be dropped; the directory is released.
    await broker.close()
  }
}

async function verifyPartitions(broker: Broker, files: Files, repairIn: Files | undefined) {
  const findings: VerificationFinding[] = []
  let batches = 0
  const partitions = broker.partitions.all()
  for (const partition of partitions) {
    const log = broker.storage.partitions.get(partition.topic, partition.index)
    if (log === undefined) continue
    const rebuilt = new RebuiltPartition(log.logStartOffset)
    const topic = broker.catalog.get(partition.topic)
    const mayHaveGaps = (topic?.configs.get('cleanup.policy') ?? 'delete').includes('compact') || log.cleanedOffset > 0
    const found = await inspectLog({
      files,
      log,
      mayHaveGaps,
      onBatch: (batch, header) => {
        batches += 1
        rebuilt.add(batch, header)
      },
    })
    const isRepaired = repairIn !== undefined && (await repaired(repairIn, log, found))
    findings.push(...found.map((finding) => toFinding(finding, isRepaired)))
    const isWhole = found.every(({ isDerived }) => isDerived)
    // Of a damaged log nothing can be told; of a compacted one only what is left.
    if (isWhole && !mayHaveGaps) findings.push(...compare(partition, rebuilt, broker.clock.wall()))
    const open = partition.describeProducers().filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0)
    for (const { producerId, currentTxnStartOffset } of open) {
      const what = `producer ${producerId} has a transaction open from offset ${currentTxnStartOffset} that nobody coordinates`
      findings.push(stateFinding('transactions', partition, what))
    }
  }
  return { findings, partitions: partitions.length, batches }
}

/** Indexes are written anew only where the log itself is sound. */
async function repaired(files: Files, log: PartitionLog, found: readonly LogFinding[]): Promise<boolean> {
  if (found.length === 0 || found.some(({ isDerived }) => !isDerived)) return false
  await repairIndexes(files, log)
  return true
}

function compare(partition: Partition, rebuilt: RebuiltPartition, nowMs: number): VerificationFinding[] {
  const producers = rebuilt.differingProducers(partition.describeProducers(), nowMs)
  const aborted = rebuilt.differingAborted(partition.abortedTransactions)
  return [
    ...producers.map((what) => stateFinding('producers', partition, what)),
    ...aborted.map((what) => stateFinding('transactions', partition, what)),
  ]
}

function stateFinding(kind: 'producers' | 'transactions', { topic, index }: Partition, what: string) {
  return { kind, place: `${topic}-${index}`, position: -1, what, isRepaired: false }
}

function toFinding({ file, position, what, isDerived }: LogFinding, isRepaired: boolean): VerificationFinding {
  return { kind: isDerived ? 'index' : 'log', place: file, position, what, isRepaired: isDerived && isRepaired }
}

/** A broker on files it cannot change, with time standing still. */
function recovered(files: Files, notes: string[]): Promise<Broker> {
  const nowMs = Date.now()
  return Broker.open({
    files,
    config: new BrokerConfig(),
    log: notesTo(notes),
    scheduler: new TimerHeap(() => nowMs),
    clock: { wall: () => nowMs, steady: () => nowMs },
    compressors: {},
    advertised: { host: 'localhost', port: 0 },
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    onFatal: () => {},
  })
}

function notesTo(notes: string[]): BrokerLog {
  return logTo(({ level, event, fields }) => {
    if (level === 'info' || event === 'partition.damaged') return
    const details = Object.entries(fields).map(([name, value]) => `${name}=${value}`)
    notes.push([event, ...details].join(' '))
  })
}

/** What keeps the broker from recovering at all, if that is in the data. */
function unrecoverable(error: unknown): VerificationFinding | undefined {
  if (!(error instanceof BrokerError)) return undefined
  const kinds = { JOURNAL_CORRUPT: 'journal', CHECKPOINT_CORRUPT: 'checkpoint', FORMAT_UNSUPPORTED: 'journal' } as const
  const kind = Object.entries(kinds).find(([code]) => code === error.code)?.[1]
  if (kind === undefined) return undefined
  const [, place = kind, position = '-1'] = /(\S+) is damaged at byte (\d+)/.exec(error.message) ?? []
  return { kind, place, position: Number(position), what: error.message, isRepaired: false }
}
