export { classValidatorMiddleware } from './commands/class-validator.middleware.ts'
export { COMMAND_CONTEXT } from './commands/command-enhancers.ts'
export type { CommandCall, CommandMiddleware, CommandStep } from './commands/command-middleware.ts'
export { CommandBus, type CommandOptions, CommandRejected, type Receipt } from './command-bus.ts'
export { Aggregate, type AggregateDecoratorOptions, Applies, Handles } from './decorators/aggregate.decorator.ts'
export { Upcast } from './decorators/upcast.decorator.ts'
export {
  Effect,
  On,
  Projector,
  type ProjectorDecoratorOptions,
  type ProjectorSetup,
} from './decorators/projector.decorator.ts'
export type { HttpContextOptions, HttpRequest } from './context/context.interceptor.ts'
export { KeyfoldContext } from './context/keyfold-context.ts'
export type { RequestContext } from './context/request-context.ts'
export { KeyfoldHealthIndicator, type HealthResult, type KeyfoldHealth, type ProjectorHealth } from './health.ts'
export { type AggregateReference, KeyfoldAggregates } from './keyfold-aggregates.ts'
export {
  KeyfoldModule,
  type KeyfoldAsyncOptions,
  type KeyfoldFeatureOptions,
  type KeyfoldOptionsFactory,
} from './keyfold.module.ts'
export type { ConnectionOptions, KeyfoldOptions, Role } from './keyfold-options.ts'
export { KeyfoldRuntime } from './keyfold-runtime.ts'
export { withKeyfoldOptions } from './context/overrides.ts'
export type { Addresses } from './start/cluster.ts'
export { KeyfoldOperationsModule } from './operations/operations.module.ts'
export type { OperationsOptions } from './operations/operations-options.ts'
export type { PartitionReport, ProjectionReport } from './operations/projection-report.ts'
export { KeyfoldProblemFilter, type Problem, problemOf, type ProblemFilterOptions } from './problem.filter.ts'
export { getReadModelToken, InjectReadModel, type ProjectorReference, type ReadModel } from './read-model.ts'
export { KeyfoldPositionInterceptor } from './reads/position.interceptor.ts'
export { ReadsFrom } from './reads/reads-from.decorator.ts'
export {
  RegistryModule,
  type RegistryModuleAsyncOptions,
  type RegistryModuleOptions,
  type RegistryModulePlace,
  SCHEMA_REGISTRY,
} from './registry.module.ts'
