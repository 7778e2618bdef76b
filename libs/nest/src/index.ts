export { CommandBus, type CommandOptions, CommandRejected, type Receipt } from './command-bus.ts'
export { Aggregate, type AggregateDecoratorOptions, Applies, Handles } from './decorators/aggregate.decorator.ts'
export { Upcast } from './decorators/upcast.decorator.ts'
export { On, Projector, type ProjectorDecoratorOptions, type ProjectorSetup } from './decorators/projector.decorator.ts'
export { KeyfoldHealthIndicator, type KeyfoldHealth } from './health.ts'
export { KeyfoldModule, type KeyfoldAsyncOptions, type KeyfoldFeatureOptions } from './keyfold.module.ts'
export type { KeyfoldOptions } from './keyfold-options.ts'
export { type Addresses, KeyfoldRuntime } from './keyfold-runtime.ts'
export { KeyfoldProblemFilter, type Problem, problemOf, type ProblemFilterOptions } from './problem.filter.ts'
export { getReadModelToken, InjectReadModel, type ProjectorReference, type ReadModel } from './read-model.ts'
export {
  RegistryModule,
  type RegistryModuleAsyncOptions,
  type RegistryModuleOptions,
  type RegistryModulePlace,
  SCHEMA_REGISTRY,
} from './registry.module.ts'
