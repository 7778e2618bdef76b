import {
  type AnyEventType,
  type DomainEvent,
  type ReadOf,
  split,
  type SplitData,
  upcast,
  type UpcasterDescriptor,
  type VersionOf,
  type WriteOf,
} from '@keyfold/eventsourcing'
import { DescribedMembers } from './described-members.ts'

interface MapVersions<From, To> {
  /** The shape it starts from; it also takes what earlier versions wrote, down to the upcaster before it. */
  readonly from: From
  /** The version whose shape it gives: the next one when it is left out. */
  readonly to?: To
}

interface SplitVersions<From, Into> {
  /** What this version and earlier ones wrote; every version when it is left out. */
  readonly from?: From
  /** The events that it gives, any number of each. */
  readonly into: Into
}

/**
 * A static method of an aggregate class that turns a stored event of an older version into a newer one: pure, and defined
 * for every event that was ever stored. With `into` it gives events instead, which share the place of the stored one.
 * `renamed` and `dropped` need no function: give them to `@Aggregate({ upcasters })`.
 */
export function Upcast<
  Type extends AnyEventType,
  const From extends VersionOf<Type>,
  const Into extends readonly AnyEventType[],
>(
  event: Type,
  versions: SplitVersions<From, Into>,
): StaticMethod<(data: SplitData<Type, From>) => readonly DomainEvent<Into[number]['eventName']>[]>
export function Upcast<Type extends AnyEventType, const From extends VersionOf<Type>, const To extends VersionOf<Type>>(
  event: Type,
  versions: MapVersions<From, To>,
): StaticMethod<(data: ReadOf<Type, From>) => WriteOf<Type, To>>
export function Upcast(
  event: AnyEventType,
  versions: MapVersions<number, number> | SplitVersions<number, readonly AnyEventType[]>,
): StaticMethod<never> {
  return (target, method) => {
    const run = (data: unknown): unknown => {
      const body = (target as unknown as Readonly<Record<string, (data: unknown) => unknown>>)[method]
      if (body === undefined) throw new TypeError(`${target.name}.${method} is gone from its class`)
      return body.call(target, data)
    }
    const upcaster =
      'into' in versions
        ? split(event, versions, (data) => run(data) as readonly DomainEvent[])
        : upcast(event, versions, run)
    upcasterRows.add(target, upcaster)
  }
}

/** Takes a method that the decorator suits, on the class itself. */
type StaticMethod<Wanted extends (data: never) => unknown> = <Method extends Wanted>(
  target: abstract new (...parameters: never[]) => object,
  method: string,
  descriptor: TypedPropertyDescriptor<Method>,
) => void

/** The upcasters that stand on a class as static methods. */
export function upcastersOf(target: object): readonly UpcasterDescriptor[] {
  return upcasterRows.of(target)
}

const upcasterRows = new DescribedMembers<UpcasterDescriptor>()
