export type { CommandOutcome, Position } from './command-outcome.ts'
export { RegistryEventCodec, type RegistryEventCodecOptions } from './codec/registry-event-codec.ts'
export type { RegisteredVersion, RegistrySchema, SchemaRegistryClient } from './codec/schema-registry-client.ts'
export { typeOfVersion } from './codec/type-of-version.ts'
export { EventReaders, type EventReader } from './codec/event-readers.ts'
export { decodeStoredEvents, HEADERS, type StoredEvent } from './envelope.ts'
export type { EventStoreError, EventStoreErrorCode } from './errors.ts'
export type { DecodedValue, EncodedEvent, EventCodec, RegisteredSchema, WrittenSchema } from './event-codec.ts'
export { type EventStore, type ExecuteOptions, openEventStore } from './event-store.ts'
export { type EventStoreLimits, type EventStoreLogger, type EventStoreOptions } from './event-store-options.ts'
export type { GateFinding } from './gate/gate-finding.ts'
export type { GateOptions, StartRetry } from './gate/gate-options.ts'
export type { Extensions } from './extensions.ts'
export {
  type AggregateQueries,
  type AggregateQueriesOptions,
  openAggregateQueries,
} from './queries/aggregate-queries.ts'
export type { DryRun, DryRunOptions } from './queries/dry-run.ts'
export type { AggregateHistory, ShownEvent, ShowOptions } from './queries/show-aggregate.ts'
export { OwnedPartitions, type OwnedPartitionsOptions, type PartitionOwner } from './ownership/owned-partitions.ts'
export type { InstanceRole, SharedOwnership } from './ownership/ownership-options.ts'
export { RoutingTable } from './ownership/routing-table.ts'
export type { OwnershipGrant } from './writer/claim.ts'
export type { PreflightFinding, PreflightMode } from './preflight/preflight-findings.ts'
export type { ReadEventsOptions } from './read-events.ts'
export { compareSides, compareWithRecord } from './replay/compare-states.ts'
export type { FoldedState, ReplaySide } from './replay/fold-partition.ts'
export type { PlainValue } from './replay/plain-value.ts'
export type {
  AggregateCounts,
  AggregateDifference,
  ReplayFailure,
  ReplayReport,
  ReportLimits,
} from './replay/replay-report.ts'
export type { PathDifference } from './replay/state-difference.ts'
export type { EventStoreSignal } from './signals.ts'
export {
  parseStatesLine,
  type RecordOptions,
  recordStates,
  type StateLine,
  type StatesEnd,
  type StatesHeader,
  type StatesLine,
} from './replay/states-record.ts'
