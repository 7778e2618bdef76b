import { descriptorOf, type ProjectorDescriptor } from '@keyfold/eventsourcing'
import type { Projections, SqliteReader } from '@keyfold/projections'
import { Inject } from '@nestjs/common'
import type { ProjectorClass } from './decorators/projector.decorator.ts'

/** Names a projector: by its class, its value, or its name. */
export type ProjectorReference = ProjectorDescriptor | ProjectorClass | string

/** The read side of a projector's rows: always the active generation, also after a rebuild has switched. */
export type ReadModel = SqliteReader

/** Injects the rows of a projector: `@InjectReadModel(Balances) balances: ReadModel`. */
export function InjectReadModel(projector: ProjectorReference): ParameterDecorator & PropertyDecorator {
  return Inject(getReadModelToken(projector))
}

/** The token of a projector's read model, for overriding it in tests. */
export function getReadModelToken(projector: ProjectorReference): string {
  return `keyfold.read-model.${projectorName(projector)}`
}

export function projectorName(projector: ProjectorReference): string {
  if (typeof projector === 'string') return projector
  return typeof projector === 'function' ? descriptorOf(projector, 'projector').name : projector.name
}

/** Providers are made before the runtime has started: the reader is looked up at each use. */
export function lazyReadModel(projections: () => Projections, projector: ProjectorReference): ReadModel {
  const reader = () => projections().read<SqliteReader>(projectorName(projector))
  return {
    get: (sql, ...parameters) => reader().get(sql, ...parameters),
    all: (sql, ...parameters) => reader().all(sql, ...parameters),
    bigints: {
      get: (sql, ...parameters) => reader().bigints.get(sql, ...parameters),
      all: (sql, ...parameters) => reader().bigints.all(sql, ...parameters),
    },
  }
}
