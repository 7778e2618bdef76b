import { AvroError, type AvroType, fingerprint64 } from '@keyfold/avro'
import {
  type AnyEventType,
  type DomainEvent,
  type UpcasterDescriptor,
  upcasterInWords,
  upcasterProblems,
  upcastTargets,
  type VersionedEvent,
} from '@keyfold/eventsourcing'
import { asKeyfoldError, fail } from '../errors.ts'
import { typeOfVersion } from './type-of-version.ts'

/** What a stored body becomes: one event nearly always, several after a split, none when it was dropped. */
export type EventReader = (body: Buffer, offset?: number) => readonly DomainEvent[]

/** What the code knows of an event: its versions, and where their data go from there. */
interface KnownEvent {
  readonly name: string
  /** By version, from 1; empty for an event that is named by text only. */
  readonly types: readonly AvroType[]
  readonly upcasters: UpcasterDescriptor[]
}

/**
 * From bytes to the events of today. A body is resolved by Avro into the shape in which the next upcaster starts, or into
 * the newest shape when there is none; what an upcaster returns is checked by writing it with the schema of the version
 * it leads to, and read on from there like something stored. So defaults are filled in everywhere, and every step gets
 * exactly the shape that it was written for. docs/decisions/0010 says why.
 */
export class EventReaders {
  readonly #events = new Map<string, KnownEvent>()

  /**
   * Makes events and upcasters known, and answers the names of the stored events that are now read in another way: none
   * when all of it was known.
   * Errors: `UPCASTERS_INVALID` with everything that is wrong, `EVENT_NAME_TAKEN`.
   */
  learn(place: string, events: readonly AnyEventType[], upcasters: readonly UpcasterDescriptor[]): ReadonlySet<string> {
    refuse(place, upcasterProblems(events, upcasters))
    const sources = upcasters.flatMap(({ source }) => source ?? [])
    const changed = [...events, ...sources].flatMap((event) =>
      this.#learnEvent(place, event) ? [event.eventName] : [],
    )
    for (const upcaster of upcasters) {
      const known = this.#events.get(upcaster.event) ?? this.#keep(upcaster.event, [])
      if (known.upcasters.includes(upcaster)) continue
      refuse(place, clash(known, upcaster))
      known.upcasters.push(upcaster)
      changed.push(upcaster.event)
      known.upcasters.sort((left, right) => left.from - right.from)
    }
    if (upcasters.length > 0) refuse(place, this.#unreadable(upcasters))
    return this.storedTypesOf(changed)
  }

  knows(name: string): boolean {
    return this.#events.has(name)
  }

  /** The number of the version that a schema is; undefined when the code has no version like it. */
  versionOf(writer: AvroType, name: string): number | undefined {
    const types = this.#events.get(name)?.types ?? []
    const exact = types.findIndex(({ fingerprint }) => fingerprint === writer.fingerprint)
    if (exact >= 0) return exact + 1
    // Documentation may be put right in an old version: it is the same one as long as only one version is like it.
    const form = fingerprint64(writer.parsed)
    const alike = types.flatMap((type, index) => (fingerprint64(type.parsed) === form ? [index + 1] : []))
    return alike.length === 1 ? alike[0] : undefined
  }

  /** The newest schema of an event that is still written; undefined when it is unknown, or gone through an upcaster. */
  newestOf(name: string): AvroType | undefined {
    const known = this.#events.get(name)
    const newest = known?.types.at(-1)
    return known === undefined || nextUpcaster(known, known.types.length) !== undefined ? undefined : newest
  }

  /**
   * Reads what `writer` wrote under `name`. A schema that is no version of the code (somebody newer wrote it) is
   * resolved into the newest one without upcasters. Errors: those of Avro when it cannot be resolved.
   */
  readerOf(name: string, writer: AvroType, version = this.versionOf(writer, name)): EventReader {
    const known = this.#events.get(name)
    if (known === undefined) throw unknownEvent(name)
    const upcaster = nextUpcaster(known, version ?? Number.MAX_SAFE_INTEGER)
    if (upcaster === undefined) {
      const newest = known.types.at(-1)
      if (newest === undefined) throw unknownEvent(name)
      const read = newest.readerOf(writer)
      return (body, offset) => [{ type: name, data: read(body, offset) }]
    }
    return this.#upcasting(known, upcaster, writer)
  }

  /** The names under which records may be stored that lead to one of these events. */
  storedTypesOf(types: Iterable<string>): ReadonlySet<string> {
    const names = new Set(types)
    // A set also visits what is added on the way.
    for (const name of names) {
      for (const { upcasters } of this.#events.values())
        for (const upcaster of upcasters) if (upcastTargets(upcaster).includes(name)) names.add(upcaster.event)
    }
    return names
  }

  #learnEvent(place: string, event: AnyEventType): boolean {
    const name = event.eventName
    const types = event.versions.map(typeOfVersion)
    const known = this.#events.get(name)
    const newest = known?.types.at(-1)
    if (newest !== undefined && newest.fingerprint !== types.at(-1)?.fingerprint) {
      const message = `the event name ${name} stands for different schemas: ${place} has another one than what was known before`
      throw fail('EVENT_NAME_TAKEN', message, { details: { type: name } })
    }
    if (newest === undefined) this.#keep(name, types)
    return newest === undefined
  }

  #keep(name: string, types: readonly AvroType[]): KnownEvent {
    const known = { name, types, upcasters: this.#events.get(name)?.upcasters ?? [] }
    this.#events.set(name, known)
    return known
  }

  #upcasting(known: KnownEvent, upcaster: UpcasterDescriptor, writer: AvroType): EventReader {
    const { from, step } = upcaster
    if (step.kind === 'drop') return () => NOTHING
    if (step.kind === 'rename') return this.readerOf(step.to.eventName, writer, step.version)
    const shape = from === Number.POSITIVE_INFINITY ? known.types.at(-1) : known.types[from - 1]
    if (shape === undefined) throw unknownEvent(known.name)
    const read = shape.readerOf(writer)
    if (step.kind === 'map') {
      const readOn = this.#continuation(known.name, step.to, upcaster)
      return (body, offset) => readOn(attempt(upcaster, () => step.map(read(body, offset))))
    }
    const continuations = new Map<string, (data: unknown) => readonly DomainEvent[]>()
    const continuationOf = (event: DomainEvent) => {
      const version = versionOfResult(event, step.into)
      const key = `${event.type} ${version}`
      const made = continuations.get(key) ?? this.#continuationOfResult(event.type, version, upcaster)
      continuations.set(key, made)
      return made
    }
    return (body, offset) => {
      const results = attempt(upcaster, () => step.split(read(body, offset)))
      return results.flatMap((event) => continuationOf(event)(event.data))
    }
  }

  /** A version below the one that it came from would be split again for ever. */
  #continuationOfResult(name: string, version: number, upcaster: UpcasterDescriptor) {
    const allowed = upcaster.step.kind === 'split' && upcaster.step.into.some(({ eventName }) => eventName === name)
    if (!allowed || (name === upcaster.event && version <= upcaster.from))
      throw fail('UPCASTER_FAILED', `the upcaster ${upcasterInWords(upcaster)} gave ${name} ${version}`)
    return this.#continuation(name, version, upcaster)
  }

  /** Takes a value in the shape of a version on: as if it had been stored just so. */
  #continuation(
    name: string,
    version: number,
    upcaster: UpcasterDescriptor,
  ): (data: unknown) => readonly DomainEvent[] {
    const type = this.#events.get(name)?.types[version - 1]
    if (type === undefined) throw fail('UPCASTER_FAILED', `${name} has no version ${version}`)
    const read = this.readerOf(name, type, version)
    return (data) => read(encodedBy(upcaster, type, version, data), 0)
  }

  /** Every version of every event that has upcasters must find its way: found out now, not at the first such event. */
  #unreadable(upcasters: readonly UpcasterDescriptor[]): readonly string[] {
    return [...new Set(upcasters.map(({ event }) => event))].flatMap((name) =>
      (this.#events.get(name)?.types ?? []).flatMap((type, index) => {
        try {
          this.readerOf(name, type, index + 1)
          return []
        } catch (error) {
          if (!(error instanceof AvroError)) throw error
          return [`version ${index + 1} of ${name} does not lead to the newest shape: ${error.message}`]
        }
      }),
    )
  }
}

const NOTHING: readonly DomainEvent[] = []

/** The first upcaster that takes what this version wrote. */
function nextUpcaster({ upcasters }: KnownEvent, version: number): UpcasterDescriptor | undefined {
  return upcasters.find(({ from }) => from >= version)
}

function versionOfResult(event: DomainEvent, into: readonly AnyEventType[]): number {
  const { version } = event as Partial<VersionedEvent>
  return version ?? into.find(({ eventName }) => eventName === event.type)?.newest.version ?? 1
}

function attempt<Result>(upcaster: UpcasterDescriptor, run: () => Result): Result {
  try {
    return run()
  } catch (error) {
    // What Avro could not read is not the upcaster's fault.
    if (error instanceof AvroError) throw error
    throw asKeyfoldError(error, 'UPCASTER_FAILED', `the upcaster ${upcasterInWords(upcaster)}`)
  }
}

function encodedBy(upcaster: UpcasterDescriptor, type: AvroType, version: number, data: unknown): Buffer {
  try {
    return type.encode(data)
  } catch (error) {
    if (!(error instanceof AvroError)) throw error
    const { path, expected, got } = error
    const where = path === undefined || path === '' ? 'its result' : path
    throw fail(
      'UPCASTER_FAILED',
      `the upcaster ${upcasterInWords(upcaster)} gave something that is no version ${version} of ${type.fullName}: ` +
        `${where} must be ${expected}, but is ${got}`,
      { cause: error, details: { type: type.fullName, version, field: path, expected, got } },
    )
  }
}

function clash({ upcasters }: KnownEvent, upcaster: UpcasterDescriptor): readonly string[] {
  const same = upcasters.find(({ from }) => from === upcaster.from)
  if (same === undefined) return []
  return [
    `the upcasters ${upcasterInWords(same)} and ${upcasterInWords(upcaster)} overlap: use one value in both places`,
  ]
}

function refuse(place: string, problems: readonly string[]): void {
  if (problems.length === 0) return
  throw fail('UPCASTERS_INVALID', `${place}: ${problems.join('; ')}`, { details: { place, problems } })
}

/** The error of a stored event that no code here knows. */
export function unknownEvent(name: string): Error {
  return fail('EVENT_UNKNOWN', `a stored event ${name} is not among the events that this code knows`, {
    details: { type: name },
  })
}
