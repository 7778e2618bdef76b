import 'reflect-metadata'
import {
  type AggregateDescriptor,
  type AnyCommandType,
  descriptorOf,
  type DescribedClass,
  type ProjectorDescriptor,
} from '@keyfold/eventsourcing'
import { type DynamicModule, Global, type InjectionToken, Module, type Provider, type Type } from '@nestjs/common'
import { APP_INTERCEPTOR, DiscoveryModule } from '@nestjs/core'
import { CommandBus } from './command-bus.ts'
import { CommandEnhancers, isEnhanced } from './commands/command-enhancers.ts'
import { CommandPipeline } from './commands/command-pipeline.ts'
import { KeyfoldContextInterceptor } from './context/context.interceptor.ts'
import { KeyfoldContext } from './context/keyfold-context.ts'
import type { StateClass } from './decorators/aggregate.decorator.ts'
import { describeProjector, type ProjectorClass } from './decorators/projector.decorator.ts'
import { ProjectorDiscovery } from './discovery.ts'
import { KeyfoldFeatures } from './features.ts'
import { KeyfoldHealthIndicator } from './health.ts'
import { KeyfoldAggregates } from './keyfold-aggregates.ts'
import type { KeyfoldOptions } from './keyfold-options.ts'
import { KeyfoldRuntime } from './keyfold-runtime.ts'
import { overridden } from './context/overrides.ts'
import { getReadModelToken, lazyReadModel } from './read-model.ts'
import { GIVEN_OPTIONS, KEYFOLD_OPTIONS } from './tokens.ts'

export interface KeyfoldFeatureOptions {
  /** Decorated classes, or values of `aggregate({ … })`. */
  readonly aggregates?: readonly (AggregateDescriptor | DescribedClass)[]
  /** Decorated classes (they become providers), or values of `projector({ … })`. */
  readonly projectors?: readonly (ProjectorDescriptor | ProjectorClass)[]
  /** Commands that the module sends: the application does not start when no aggregate handles one of them. */
  readonly commands?: readonly AnyCommandType[]
  /** Modules that export what projectors and the guards, interceptors and pipes of aggregates ask for. */
  readonly imports?: NonNullable<DynamicModule['imports']>
}

/** Makes the options, for `forRootAsync({ useClass })` and `{ useExisting }`. */
export interface KeyfoldOptionsFactory {
  createKeyfoldOptions(): KeyfoldOptions | Promise<KeyfoldOptions>
}

/** One of `useFactory`, `useClass`, `useExisting` and `useValue`, as for any provider. */
export type KeyfoldAsyncOptions = { readonly imports?: DynamicModule['imports'] } & (
  | {
      readonly useFactory: (...injected: never[]) => KeyfoldOptions | Promise<KeyfoldOptions>
      readonly inject?: readonly InjectionToken[]
    }
  | { readonly useClass: Type<KeyfoldOptionsFactory> }
  | { readonly useExisting: InjectionToken<KeyfoldOptionsFactory> }
  | { readonly useValue: KeyfoldOptions }
)

/** Event sourcing for a Nest application: `forRoot` once, `forFeature` in every module that has aggregates or projectors. */
@Global()
@Module({})
export class KeyfoldModule {
  /** Without options: the bundled broker and registry under `.keyfold/`, unless `KAFKA_BROKERS` says otherwise. */
  static forRoot(options: KeyfoldOptions = {}): DynamicModule {
    return coreModule([{ provide: GIVEN_OPTIONS, useValue: options }], [])
  }

  static forRootAsync(options: KeyfoldAsyncOptions): DynamicModule {
    return coreModule(optionsProviders(options), options.imports ?? [])
  }

  static forFeature(options: KeyfoldFeatureOptions): DynamicModule {
    const { aggregates = [], projectors = [], commands = [] } = options
    const classes = projectors.filter((projector) => typeof projector === 'function') as Type[]
    const enhanced = aggregates.filter(
      (each): each is StateClass => typeof each === 'function' && isEnhanced(each as StateClass),
    )
    const readModels: Provider[] = projectors.map((projector) => ({
      provide: getReadModelToken(projector),
      useFactory: (runtime: KeyfoldRuntime) => lazyReadModel(() => runtime.projections, projector),
      inject: [KeyfoldRuntime],
    }))
    const registration: Provider = {
      provide: Symbol('keyfold.feature'),
      useFactory: (features: KeyfoldFeatures, enhancers: CommandEnhancers, ...instances: object[]) => {
        for (const aggregate of aggregates)
          features.addAggregate(descriptorOf(aggregate as DescribedClass, 'aggregate'))
        for (const aggregate of enhanced) enhancers.announce(aggregate)
        for (const command of commands) features.addCommand(command)
        for (const projector of projectors) if (typeof projector !== 'function') features.addProjector(projector)
        classes.forEach((projector, index) =>
          features.addProjector(describeProjector(projector, instances[index] as object), projector),
        )
        return features
      },
      inject: [KeyfoldFeatures, CommandEnhancers, ...classes],
    }
    return {
      module: KeyfoldFeatureModule,
      imports: options.imports ?? [],
      // Aggregates are providers only for Nest to find their guards, interceptors, pipes and filters.
      providers: [...classes, ...(enhanced as Type[]), registration, ...readModels],
      exports: [...classes, ...projectors.map(getReadModelToken)],
    }
  }
}

/** Every call of `forFeature` is a module of its own: Nest tells dynamic modules apart by their object. */
@Module({})
class KeyfoldFeatureModule {}

function optionsProviders(options: KeyfoldAsyncOptions): readonly Provider[] {
  if ('useValue' in options) return [{ provide: GIVEN_OPTIONS, useValue: options.useValue }]
  if ('useFactory' in options) {
    const { useFactory, inject = [] } = options
    return [{ provide: GIVEN_OPTIONS, useFactory, inject: [...inject] }]
  }
  const factory = 'useClass' in options ? options.useClass : options.useExisting
  return [
    ...('useClass' in options ? [options.useClass] : []),
    {
      provide: GIVEN_OPTIONS,
      useFactory: (made: KeyfoldOptionsFactory) => made.createKeyfoldOptions(),
      inject: [factory],
    },
  ]
}

function coreModule(
  optionsProvider: readonly Provider[],
  imports: NonNullable<DynamicModule['imports']>,
): DynamicModule {
  const services = [
    KeyfoldRuntime,
    KeyfoldFeatures,
    KeyfoldContext,
    KeyfoldAggregates,
    KeyfoldHealthIndicator,
    CommandBus,
  ]
  return {
    module: KeyfoldModule,
    global: true,
    imports: [DiscoveryModule, ...imports],
    providers: [
      ...optionsProvider,
      { provide: KEYFOLD_OPTIONS, useFactory: overridden, inject: [GIVEN_OPTIONS] },
      ...services,
      CommandEnhancers,
      CommandPipeline,
      ProjectorDiscovery,
      { provide: APP_INTERCEPTOR, useClass: KeyfoldContextInterceptor },
    ],
    exports: [...services, CommandEnhancers],
  }
}
