import type { AggregateDescriptor } from './aggregate.ts'
import type { ProjectorDescriptor } from './projector.ts'

/** Where a decorated class keeps its descriptor: as a static member under this symbol, or a function that returns it. */
export const DESCRIPTOR: unique symbol = Symbol.for('keyfold.descriptor')

export type Descriptor = AggregateDescriptor | ProjectorDescriptor

/** A class that a decorator made into an aggregate or projector. */
export type DescribedClass = abstract new (...args: never[]) => object

/**
 * The descriptor of an aggregate or projector, given as the plain value or as its decorated class.
 * @throws {TypeError} when the target is neither, or of the other kind.
 */
export function descriptorOf(target: AggregateDescriptor | DescribedClass, kind: 'aggregate'): AggregateDescriptor
export function descriptorOf(target: ProjectorDescriptor | DescribedClass, kind: 'projector'): ProjectorDescriptor
export function descriptorOf(target: Descriptor | DescribedClass, kind: Descriptor['kind']): Descriptor {
  const found = typeof target === 'function' ? ownDescriptor(target) : target
  if (found?.kind === kind) return found
  const name = typeof target === 'function' ? `class ${target.name}` : `the ${target.kind} ${target.name}`
  throw new TypeError(`${name} is no ${kind}: give it its decorator, or pass the value of ${kind}({ … })`)
}

function ownDescriptor(target: DescribedClass): Descriptor | undefined {
  const held = (target as { [DESCRIPTOR]?: Descriptor | (() => Descriptor) })[DESCRIPTOR]
  return typeof held === 'function' ? held() : held
}
