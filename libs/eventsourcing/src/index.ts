export {
  aggregate,
  type AggregateDescriptor,
  type AggregateOptions,
  type AggregateView,
  applies,
  type ApplierEntry,
  type CommandHandler,
  type Decision,
  type DecisionContext,
  type EventApplier,
  type EventContext,
  type HandlerEntry,
  handles,
  refuseDuplicates,
} from './aggregate.ts'
export {
  type AnyCommandType,
  type Command,
  commandDefinitionOf,
  type CommandDefinition,
  type CommandType,
  defineCommand,
} from './command.ts'
export { DESCRIPTOR, type DescribedClass, type Descriptor, descriptorOf } from './descriptor.ts'
export { defineErrors, type ErrorParticulars, type ErrorRow, KeyfoldError } from './errors.ts'
export {
  type AnyEventType,
  type DataOf,
  defineEvent,
  type DomainEvent,
  eventAt,
  eventFor,
  type EventDefinition,
  type EventSchemaVersion,
  type EventType,
  type ReadOf,
  type SharedType,
  type TypeReference,
  type UntypedHistory,
  type VersionedEvent,
  type VersionOf,
  type VersionTypes,
  type WriteOf,
} from './event.ts'
export {
  effect,
  type EffectContext,
  type EffectEntry,
  on,
  type ProjectionContext,
  type ProjectionEntry,
  type ProjectionHandler,
  projector,
  type ProjectorDescriptor,
  type ProjectorPolicies,
  type ProjectorVerification,
  type ProjectorOptions,
} from './projector.ts'
export { isRejection, reject, type Rejection } from './rejection.ts'
export type { StandardIssue, StandardResult, StandardSchema } from './standard-schema.ts'
export {
  dropped,
  renamed,
  split,
  type SplitData,
  upcast,
  type UpcasterDescriptor,
  upcasterInWords,
  type UpcasterOf,
  type UpcastStep,
  upcastTargets,
} from './upcaster.ts'
export { upcasterProblems } from './upcaster-rules.ts'
