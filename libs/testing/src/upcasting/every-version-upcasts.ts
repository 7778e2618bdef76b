import type { AvroType } from '@keyfold/avro'
import { type EventReader, EventReaders, typeOfVersion } from '@keyfold/event-store'
import {
  type AggregateDescriptor,
  type AnyEventType,
  type DescribedClass,
  descriptorOf,
  type DomainEvent,
  type UpcasterDescriptor,
} from '@keyfold/eventsourcing'
import { check, property } from 'fast-check'
import { ExpectationFailed } from '../expectation-failed.ts'
import { printed } from '../printed.ts'
import { avroArbitrary } from './avro-arbitrary.ts'

/** Events and the upcasters that lead to them. An aggregate is such a thing. */
export interface UpcastableEvents {
  readonly events: readonly AnyEventType[]
  readonly upcasters: readonly UpcasterDescriptor[]
}

export interface EveryVersionOptions {
  /** Random values of each version. Default 100. */
  readonly runs?: number
  /** That of a run that failed, to see it again. */
  readonly seed?: number
  /** Where the summary goes. Default the console. */
  readonly print?: (line: string) => void
}

/**
 * Checks that every version of every event that was ever written leads to the events of today: random values of each
 * version are written, read through resolution and upcasters, and what comes out must fit the newest schemas, twice the
 * same. Prints the seed.
 * @throws {ExpectationFailed} with event, version, value and seed.
 */
export function everyVersionUpcasts(
  target: AggregateDescriptor | DescribedClass | UpcastableEvents,
  options: EveryVersionOptions = {},
): void {
  const { events, upcasters } = isPlain(target) ? target : descriptorOf(target, 'aggregate')
  const { runs = 100, print = console.log } = options
  // fast-check takes seeds of 32 bits.
  const seed = options.seed ?? (Math.random() * 2 ** 31) | 0
  const readers = new EventReaders()
  readers.learn('everyVersionUpcasts', events, upcasters)
  const newest = new Map(events.map((event) => [event.eventName, typeOfVersion(event.newest)]))
  const histories = new Set([...events, ...upcasters.flatMap(({ source }) => source ?? [])])
  let versions = 0
  for (const event of histories)
    for (const known of event.versions) {
      versions += 1
      const { version } = known
      const written = typeOfVersion(known)
      const read = readers.readerOf(event.eventName, written, version)
      checkVersion({ written, read, newest, name: `version ${version} of ${event.eventName}` }, { runs, seed })
    }
  print(`upcasting: ${versions} versions of ${histories.size} events, ${runs} values each, seed ${seed}`)
}

interface CheckedVersion {
  readonly written: AvroType
  readonly read: EventReader
  readonly newest: ReadonlyMap<string, AvroType>
  /** For people. */
  readonly name: string
}

function checkVersion(
  { written, read, newest, name }: CheckedVersion,
  { runs, seed }: { readonly runs: number; readonly seed: number },
): void {
  const encoded = (value: unknown) => read(written.encode(value), 0).map((event) => encodeNewest(event, newest))
  const sameTwice = property(avroArbitrary(written.parsed), (value) => {
    const [first, second] = [encoded(value), encoded(value)]
    const isSame = first.length === second.length && first.every((body, index) => second[index]?.equals(body))
    if (!isSame) throw new Error('reading it twice gave different events: an upcaster is not pure')
  })
  const outcome = check(sameTwice, { numRuns: runs, seed })
  if (!outcome.failed) return
  const [value] = outcome.counterexample ?? []
  const error: unknown = outcome.errorInstance
  const failed = new ExpectationFailed(
    `${name} does not lead to the events of today: ${error instanceof Error ? error.message : String(error)}\n` +
      `  value: ${printed(value)}\n  again: everyVersionUpcasts(…, { seed: ${seed} })`,
  )
  failed.cause = error
  throw failed
}

function encodeNewest({ type, data }: DomainEvent, newest: ReadonlyMap<string, AvroType>): Buffer {
  const schema = newest.get(type)
  if (schema === undefined) throw new Error(`it became a ${type}, which is not among the events`)
  return Buffer.concat([Buffer.from(type), schema.encode(data)])
}

function isPlain(target: AggregateDescriptor | DescribedClass | UpcastableEvents): target is UpcastableEvents {
  return typeof target !== 'function'
}
