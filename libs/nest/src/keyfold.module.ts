import 'reflect-metadata'
import {
  type AggregateDescriptor,
  descriptorOf,
  type DescribedClass,
  type ProjectorDescriptor,
} from '@keyfold/eventsourcing'
import { type DynamicModule, Global, Module, type Provider } from '@nestjs/common'
import { CommandBus } from './command-bus.ts'
import { describeProjector, type ProjectorClass } from './decorators/projector.decorator.ts'
import { KeyfoldFeatures } from './features.ts'
import type { KeyfoldOptions } from './keyfold-options.ts'
import { KeyfoldRuntime } from './keyfold-runtime.ts'
import { getReadModelToken, lazyReadModel } from './read-model.ts'
import { KEYFOLD_OPTIONS } from './tokens.ts'

export interface KeyfoldFeatureOptions {
  /** Decorated classes, or values of `aggregate({ … })`. */
  readonly aggregates?: readonly (AggregateDescriptor | DescribedClass)[]
  /** Decorated classes (they become providers), or values of `projector({ … })`. */
  readonly projectors?: readonly (ProjectorDescriptor | ProjectorClass)[]
}

export interface KeyfoldAsyncOptions {
  readonly imports?: DynamicModule['imports']
  readonly inject?: readonly never[]
  readonly useFactory: (...injected: never[]) => KeyfoldOptions | Promise<KeyfoldOptions>
}

/** Event sourcing for a Nest application: `forRoot` once, `forFeature` in every module that has aggregates or projectors. */
@Global()
@Module({})
export class KeyfoldModule {
  /** Without options: the bundled broker and registry under `.keyfold/`, unless `KAFKA_BROKERS` says otherwise. */
  static forRoot(options: KeyfoldOptions = {}): DynamicModule {
    return coreModule({ provide: KEYFOLD_OPTIONS, useValue: options }, [])
  }

  static forRootAsync(options: KeyfoldAsyncOptions): DynamicModule {
    const { imports = [], inject = [], useFactory } = options
    return coreModule({ provide: KEYFOLD_OPTIONS, useFactory, inject: [...inject] }, imports)
  }

  static forFeature(options: KeyfoldFeatureOptions): DynamicModule {
    const { aggregates = [], projectors = [] } = options
    const classes = projectors.filter((projector) => typeof projector === 'function')
    const values = projectors.filter((projector) => typeof projector !== 'function')
    const readModels: Provider[] = projectors.map((projector) => ({
      provide: getReadModelToken(projector),
      useFactory: (runtime: KeyfoldRuntime) => lazyReadModel(() => runtime.projections, projector),
      inject: [KeyfoldRuntime],
    }))
    const registration: Provider = {
      provide: Symbol('keyfold.feature'),
      useFactory: (features: KeyfoldFeatures, ...instances: object[]) => {
        for (const aggregate of aggregates)
          features.addAggregate(descriptorOf(aggregate as DescribedClass, 'aggregate'))
        for (const projector of values) features.addProjector(projector)
        classes.forEach((projector, index) =>
          features.addProjector(describeProjector(projector, instances[index] as object)),
        )
        return features
      },
      inject: [KeyfoldFeatures, ...(classes as (new () => object)[])],
    }
    return {
      module: KeyfoldFeatureModule,
      providers: [...(classes as (new () => object)[]), registration, ...readModels],
      exports: [...(classes as (new () => object)[]), ...projectors.map(getReadModelToken)],
    }
  }
}

/** Every call of `forFeature` is a module of its own: Nest tells dynamic modules apart by their object. */
@Module({})
class KeyfoldFeatureModule {}

function coreModule(optionsProvider: Provider, imports: NonNullable<DynamicModule['imports']>): DynamicModule {
  return {
    module: KeyfoldModule,
    global: true,
    imports,
    providers: [optionsProvider, KeyfoldFeatures, KeyfoldRuntime, CommandBus],
    exports: [KeyfoldRuntime, KeyfoldFeatures, CommandBus],
  }
}
