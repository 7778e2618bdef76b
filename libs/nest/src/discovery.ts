import { Injectable, Inject } from '@nestjs/common'
import { DiscoveryService } from '@nestjs/core'
import { describeProjector, isProjectorClass, type ProjectorClass } from './decorators/projector.decorator.ts'
import { KeyfoldFeatures } from './features.ts'

/**
 * Finds projectors that are providers of some module without having been given to `forFeature`, however they are
 * provided: as a class, by `useClass`, `useFactory` or `useValue`.
 */
@Injectable()
export class ProjectorDiscovery {
  readonly #discovery: DiscoveryService
  /** What the modules asked for, and what was found. */
  readonly features: KeyfoldFeatures

  constructor(
    @Inject(DiscoveryService) discovery: DiscoveryService,
    @Inject(KeyfoldFeatures) features: KeyfoldFeatures,
  ) {
    this.#discovery = discovery
    this.features = features
  }

  run(): KeyfoldFeatures {
    for (const { instance: held, isAlias } of this.#discovery.getProviders()) {
      const instance: unknown = held
      // The class of a factory's or a value's provider is that of what it made, not its metatype, which is the factory.
      if (isAlias || typeof instance !== 'object' || instance === null) continue
      const projector = instance.constructor as ProjectorClass
      if (!isProjectorClass(projector)) continue
      const descriptor = describeProjector(projector, instance)
      if (!this.features.has(descriptor.name)) this.features.addProjector(descriptor, projector)
    }
    return this.features
  }
}
