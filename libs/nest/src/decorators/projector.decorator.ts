import {
  type AggregateDescriptor,
  type AnyEventType,
  type DescribedClass,
  DESCRIPTOR,
  descriptorOf,
  effect,
  type EffectContext,
  on,
  type ProjectionContext,
  projector,
  type ProjectorDescriptor,
  type ProjectorOptions,
  type ProjectorPolicies,
} from '@keyfold/eventsourcing'
import { DescribedMembers } from './described-members.ts'

export interface ProjectorDecoratorOptions extends Partial<ProjectorPolicies> {
  /** Unique in the application. */
  readonly name: string
  /** Raise it when the meaning of the read model changes: it is then built anew from offset zero. */
  readonly version: number
  /** Aggregates, or names of topics. */
  readonly from: readonly (AggregateDescriptor | DescribedClass | string)[]
  /** The read-model store. Default `sqlite`. */
  readonly store?: string
  /** `manual`: waits until it is started for the first time. Default `auto`. */
  readonly start?: 'auto' | 'manual'
}

/** What a projector class may have besides its `@On` methods. */
export interface ProjectorSetup<Tx> {
  /** Makes tables in a new generation. */
  setup(tx: Tx): void | Promise<void>
  /** Makes secondary indexes when the bulk of a replay is done; may run again. */
  indexes?(tx: Tx): void | Promise<void>
  /** Compares the rows of a raised version with those that serve; answers what is wrong with them. */
  verify?(now: unknown, before: unknown): readonly string[] | Promise<readonly string[]>
}

/** Makes a class a projector. It is a provider like any other: its constructor may ask for services. */
export function Projector(options: ProjectorDecoratorOptions) {
  return (target: ProjectorClass): void => {
    projectorOptions.set(target, options)
    // The class alone describes itself for tests; the module binds the descriptor to the instance that Nest made.
    Object.defineProperty(target, DESCRIPTOR, {
      value: () => describeProjector(target, new (target as new () => object)()),
    })
  }
}

/** A method that takes one event of the log into the read model, in the open transaction `context.tx`. */
export function On<Type extends AnyEventType>(event: Type) {
  return <
    Method extends (data: NonNullable<Type['__data']>, context: ProjectionContext<never>) => void | Promise<void>,
  >(
    prototype: object,
    method: string,
    _descriptor: TypedPropertyDescriptor<Method>,
  ): void => handlerRows.add(prototype, { event, method })
}

/**
 * A method that does something outside for one event: a mail, a call. At least once for each event from the first start
 * on, never for events of the past and in no rebuild. Topic, partition and offset make a key for the receiver.
 */
export function Effect<Type extends AnyEventType>(event: Type) {
  return <Method extends (data: NonNullable<Type['__data']>, context: EffectContext) => void | Promise<void>>(
    prototype: object,
    method: string,
    _descriptor: TypedPropertyDescriptor<Method>,
  ): void => effectRows.add(prototype, { event, method })
}

/**
 * The descriptor of a decorated projector class around one of its instances.
 * @throws {TypeError} when the class has no `@Projector`.
 */
export function describeProjector(target: ProjectorClass, instance: object): ProjectorDescriptor {
  const options = projectorOptions.get(target)
  if (options === undefined)
    throw new TypeError(`class ${target.name} is no projector: put @Projector({ name, version, from }) on it`)
  const methods = instance as Readonly<Record<string, (...parameters: unknown[]) => void | Promise<void>>>
  const bodyOf = (method: string): ((...parameters: unknown[]) => void | Promise<void>) => {
    const body = methods[method]
    if (body === undefined) throw new TypeError(`${target.name}.${method} is gone from its prototype`)
    return body.bind(instance)
  }
  const prototype = target.prototype as object
  return projector<unknown>({
    name: options.name,
    version: options.version,
    from: options.from.map((source) =>
      typeof source === 'string' ? source : descriptorOf(source as DescribedClass, 'aggregate'),
    ),
    store: options.store ?? 'sqlite',
    start: options.start ?? 'auto',
    ...(options.onError && { onError: options.onError }),
    ...(options.onUnknownEvent && { onUnknownEvent: options.onUnknownEvent }),
    setup: (tx) => methods['setup']?.(tx),
    ...optionalMethods(methods),
    on: handlerRows.of(prototype).map(({ event, method }) => on(event, bodyOf(method))),
    effects: effectRows.of(prototype).map(({ event, method }) => effect(event, bodyOf(method))),
  })
}

/** Whether a class has `@Projector`. */
export function isProjectorClass(target: unknown): target is ProjectorClass {
  return typeof target === 'function' && projectorOptions.has(target as ProjectorClass)
}

function optionalMethods(
  methods: Readonly<Record<string, unknown>>,
): Pick<ProjectorOptions<unknown>, 'indexes' | 'verify'> {
  const { indexes, verify } = methods as Partial<ProjectorSetup<unknown>>
  return {
    ...(indexes !== undefined && { indexes: (tx) => indexes.call(methods, tx) }),
    ...(verify !== undefined && { verify: (now, before) => verify.call(methods, now, before) }),
  }
}

export type ProjectorClass = abstract new (...parameters: never[]) => object

const projectorOptions = new WeakMap<ProjectorClass, ProjectorDecoratorOptions>()
const handlerRows = new DescribedMembers<{ readonly event: AnyEventType; readonly method: string }>()
const effectRows = new DescribedMembers<{ readonly event: AnyEventType; readonly method: string }>()
