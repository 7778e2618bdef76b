export {
  aggregate,
  type AggregateDescriptor,
  type AggregateOptions,
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
  type EventDefinition,
  type EventSchemaVersion,
  type EventType,
} from './event.ts'
export {
  on,
  type ProjectionContext,
  type ProjectionEntry,
  type ProjectionHandler,
  projector,
  type ProjectorDescriptor,
  type ProjectorOptions,
} from './projector.ts'
export { isRejection, reject, type Rejection } from './rejection.ts'
export type { StandardIssue, StandardResult, StandardSchema } from './standard-schema.ts'
