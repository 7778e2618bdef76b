import type { Checkpoint } from './checkpoint/checkpoint-file.ts'
import { fewAtOnce } from './few-at-once.ts'
import type { Files } from './files/files.ts'
import { firstBlockPosition, journalIndexes } from './journal/journal-file.ts'
import { scanJournal } from './journal/journal-scan.ts'
import { type JournalPosition, JournalSpace } from './journal/journal-space.ts'
import type { StorageLog } from './log.ts'
import { flushDue, FlushRounds } from './partition-log/flush-rounds.ts'
import type { PartitionLog } from './partition-log/partition-log.ts'
import type { PartitionLogs } from './partition-log/partition-logs.ts'
import { segmentExtensions, segmentFile } from './partition-log/segment.ts'
import {
  asideDirectory,
  isSwapFile,
  logsDirectory,
  type SegmentWriter,
  verifyLogFiles,
} from './partition-log/segment-writer.ts'
import type { TailBudget } from './partition-log/tail-budget.ts'
import type { JournaledState } from './state.ts'
import { StateDispatch } from './state-dispatch.ts'
import type { StorageLimits } from './storage-options.ts'

export interface RecoveryOptions {
  readonly files: Files
  readonly limits: StorageLimits
  readonly log: StorageLog
  readonly journalId: Buffer
  readonly checkpoint: Checkpoint | undefined
  readonly logs: PartitionLogs
  readonly states: readonly JournaledState[]
  readonly writer: SegmentWriter
  readonly tails: TailBudget
}

export interface RecoveredStorage {
  readonly space: JournalSpace
  readonly dispatch: StateDispatch
  readonly lastLsn: number
  readonly nextSequence: number
  readonly lastBlock: JournalPosition
  /** Journal behind the checkpoint: what the next recovery would read again. */
  readonly replayedBytes: number
}

const start: JournalPosition = { index: 1, position: firstBlockPosition, sequence: 1 }

/**
 * From the files to the states: the checkpoint's snapshots, then the journal behind it. It changes nothing that a second
 * recovery would need, so a crash in the middle of it is harmless.
 */
export async function recoverStorage(options: RecoveryOptions): Promise<RecoveredStorage> {
  const { files, limits, log, journalId, checkpoint, logs, writer, tails } = options
  const dispatch = new StateDispatch([logs, ...options.states])
  const from = checkpoint?.from ?? start
  const coveredLsn = checkpoint?.lsn ?? 0
  let withSwapFiles: PartitionLog[] = []
  if (checkpoint !== undefined) {
    dispatch.restore(checkpoint.snapshots)
    withSwapFiles = await findLogFiles(options)
  }
  const rounds = new FlushRounds(limits)
  const end = await scanJournal({
    files,
    log,
    journalId,
    from,
    async onBlock(entries) {
      let last = coveredLsn
      for (const { kind, payload, lsn } of entries) {
        if (lsn <= coveredLsn) continue
        dispatch.apply(kind, payload, lsn)
        last = lsn
      }
      logs.advanceDurable(last)
      if (logs.unflushedBytes < limits.flushBytes && !tails.isExceeded) return
      logs.takeUnflushed()
      const isOfRound = rounds.begin(last)
      const isDue = tails.isExceeded ? () => true : isOfRound
      await writer.enqueue(() => flushDue(options, isDue, () => last))
    },
  })
  await writer.enqueue(async () => {
    await removeStrays(options)
    await removeUnusedSwaps(options, withSwapFiles)
  })
  const { journalFileBytes: fileBytes, checkpointJournalBytes: checkpointBytes } = limits
  const space = await JournalSpace.open({ files, log, journalId, fileBytes, checkpointBytes }, end)
  await space.release(from.index, await journalIndexes(files))
  const lastLsn = Math.max(coveredLsn, end.lastLsn)
  log.info('storage.recovered', { checkpointLsn: coveredLsn, lastLsn, partitions: logs.all().length })
  const { sequence: nextSequence, lastBlock, scannedBytes: replayedBytes } = end
  return { space, dispatch, lastLsn, nextSequence, lastBlock, replayedBytes }
}

/** So many logs are looked at together: as many questions as Node's thread pool asks at once, and some that wait. */
const logsAtOnce = 16

/**
 * Where the files of the checkpoint's logs are, and whether they are all there. Returns the logs that have files of
 * compactions behind the checkpoint.
 */
async function findLogFiles({ files, log, logs }: RecoveryOptions): Promise<PartitionLog[]> {
  const withSwapFiles: PartitionLog[] = []
  const names = new Set(await files.list(logsDirectory))
  const isThere = (directory: string): boolean => names.has(directory.slice(logsDirectory.length + 1))
  await fewAtOnce(logs.all(), logsAtOnce, async (partition) => {
    const aside = asideDirectory(partition)
    // Removed behind the checkpoint: its files were moved, a later topic may own the name by now.
    if (isThere(aside)) partition.directory = aside
    // A log that nobody has written to may have no directory yet.
    if (partition.sizeInBytes === 0 && !isThere(partition.directory)) return
    if (await verifyLogFiles(files, partition, log)) withSwapFiles.push(partition)
  })
  return withSwapFiles
}

/** Files of compactions that were not journaled before the crash. */
async function removeUnusedSwaps({ files }: RecoveryOptions, partitions: readonly PartitionLog[]): Promise<void> {
  for (const partition of partitions) {
    const swaps = (await files.list(partition.directory)).filter(isSwapFile)
    const used = new Set<string>()
    for (const segment of partition.segments)
      for (const extension of segmentExtensions) used.add(segmentFile(segment, extension))
    for (const name of swaps) if (!used.has(name)) await files.remove(`${partition.directory}/${name}`)
  }
}

/** Directories that belong to no partition: made by a process that crashed before their creation was durable. */
async function removeStrays({ files, logs }: RecoveryOptions): Promise<void> {
  const known = new Set([...logs.all(), ...logs.leaving].map((partition) => partition.directory))
  for (const name of await files.list(logsDirectory)) {
    const directory = `${logsDirectory}/${name}`
    if (!known.has(directory)) await files.removeDirectory(directory)
  }
}
