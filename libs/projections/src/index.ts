export { type Clock, pauseFor, systemClock } from './clock.ts'
export type { DebugReport } from './debug/debug.ts'
export type { DebugRange } from './debug/debug-range.ts'
export type { DebuggedEvent, HandledEvent } from './debug/trial.ts'
export type { Log } from './log.ts'
export {
  type LogPosition,
  openProjections,
  type ProgressOptions,
  type Projections,
  type ProjectionsOptions,
} from './projections.ts'
export type { Advance, ParkedEvent, ParkedSelection } from './parking.ts'
export type { RetryReport } from './runner/partition-parking.ts'
export type { PartitionStatus, ProjectorState, ProjectorStatus } from './projector-status.ts'
export type {
  Checkpoint,
  Generation,
  GenerationRecord,
  ReadModel,
  ReadModelRecord,
  ReadModelStore,
  TableDigest,
  TopicPartition,
  Work,
} from './read-model-store.ts'
export type { Progress, ProgressListener, ProgressPhase } from './rebuild/progress.ts'
export type { RebuildReport } from './rebuild/rebuild.ts'
export type { RebuildOptions } from './rebuild/running-build.ts'
export type { Verification } from './rebuild/verification.ts'
export type { BatchLimits } from './runner/surroundings.ts'
export type { RetryPolicy } from './runner/trouble.ts'
export type { LedRebuild, RebuildOrder, SeenPartition, SharedReadModel, Sight } from './sharing/shared-read-model.ts'
export { CHANGED_ROWS_MAX, type ChangedRow, type ChangedRows, type Scratch } from './scratch.ts'
export { projectorsGroup, type Sharing } from './sharing/sharing-options.ts'
export { MemoryReadModelStore } from './stores/memory-read-model-store.ts'
export type { MemoryReader, MemoryTransaction } from './stores/memory-tables.ts'
export { PostgresReadModelStore, type PostgresReadModelStoreOptions } from './stores/postgres-read-model-store.ts'
export type { PostgresReader, PostgresTransaction } from './stores/postgres-transaction.ts'
export type { RowWriter } from './stores/rows/row-changes.ts'
export { type Amounts, type Columns, type Row, rowTable, type RowTable } from './stores/rows/row-table.ts'
export { SqliteReadModelStore, type SqliteReadModelStoreOptions } from './stores/sqlite-read-model-store.ts'
export type {
  SqliteParameters,
  SqliteQueries,
  SqliteReader,
  SqliteTransaction,
  SqliteValue,
} from './stores/sqlite-session.ts'
