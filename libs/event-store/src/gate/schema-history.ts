import {
  AvroError,
  type AvroType,
  avroType,
  checkCompatibility,
  explainIncompatibility,
  lintEvolution,
} from '@keyfold/avro'
import type { AggregateDescriptor, AnyEventType, UpcasterDescriptor } from '@keyfold/eventsourcing'
import { EventReaders } from '../codec/event-readers.ts'
import { selfContained, typeOfVersion } from '../codec/type-of-version.ts'
import type { RegisteredSchema } from '../event-codec.ts'
import type { GateFinding } from './gate-finding.ts'

/**
 * What the newest schemas of the code cannot read among everything that their subjects ever held, or would read as
 * something else (the linter's rules about two versions). What an upcaster takes up is not judged by those rules: it gets
 * the shape that it was written for, before the change. A version later than all that the code has was written by newer
 * code, which runs beside it or ran before: it need only be readable.
 */
export function historyFindings(
  { events, upcasters }: Pick<AggregateDescriptor, 'events' | 'upcasters'>,
  registered: readonly RegisteredSchema[],
): readonly GateFinding[] {
  const byEvent = Map.groupBy(registered, ({ event }) => event)
  return events.flatMap((event) => {
    const held = byEvent.get(event.eventName) ?? []
    const ofEvent = upcasters.filter((upcaster) => upcaster.event === event.eventName)
    return eventFindings(new KnownEvent(event), ofEvent, held)
  })
}

function eventFindings(
  event: KnownEvent,
  upcasters: readonly UpcasterDescriptor[],
  registered: readonly RegisteredSchema[],
): readonly GateFinding[] {
  const versions = new Map(registered.map((held) => [held, event.versionOf(held.schema)]))
  const latest = registered.findLast((held) => versions.get(held) !== undefined)?.version ?? Number.POSITIVE_INFINITY
  return registered.flatMap((held) => {
    const unreadable = unreadableFindings(event.newest, held)
    const version = versions.get(held)
    if (unreadable.length > 0 || (version === undefined && held.version > latest)) return unreadable
    if (version === undefined && upcasters.some(({ from }) => from !== Number.POSITIVE_INFINITY))
      return [lostVersion(held)]
    const isUpcast = upcasters.some(({ from }) => from >= (version ?? Number.POSITIVE_INFINITY))
    return isUpcast ? [] : lintFindings(event, held, version ?? 0)
  })
}

/** Upcasters go by version: what was written with a version that the code has lost would pass them by. */
function lostVersion({ subject, version }: RegisteredSchema): GateFinding {
  return {
    subject,
    version,
    field: undefined,
    reason: 'the code has no such version of the event, so its upcasters cannot tell where to start',
    fix: 'Restore its file v<n>.avsc as it was registered (`keyfold schemas pull`) and generate the events again.',
    place: undefined,
  }
}

/** An event as the code has it. */
class KnownEvent {
  /** Types that it refers to are written out, as in what is registered: one text to compare with another. */
  readonly newest: AvroType
  readonly #event: AnyEventType
  readonly #readers = new EventReaders()

  constructor(event: AnyEventType) {
    this.#event = event
    this.#readers.learn(event.eventName, [event], [])
    this.newest = selfContained(typeOfVersion(event.newest))
  }

  /** Undefined for what is no version of the code, or no schema. */
  versionOf(schema: string): number | undefined {
    try {
      return this.#readers.versionOf(avroType(schema), this.#event.eventName)
    } catch (error) {
      if (error instanceof AvroError) return undefined
      throw error
    }
  }

  /** The newest schema with the exceptions of every version after this one. */
  textSince(version: number): string {
    const later = this.#event.versions.filter((known) => known.version > version)
    const ignore = later.flatMap(
      ({ lint }) => (lint as { readonly ignore?: readonly object[] } | undefined)?.ignore ?? [],
    )
    const schema = JSON.parse(this.newest.schema) as unknown
    const isRecord = typeof schema === 'object' && schema !== null && !Array.isArray(schema)
    return ignore.length === 0 || !isRecord
      ? this.newest.schema
      : JSON.stringify({ ...schema, 'keyfold.lint': { ignore } })
  }
}

function unreadableFindings(reader: AvroType, { subject, version, schema }: RegisteredSchema): readonly GateFinding[] {
  const about = { subject, version, place: undefined }
  try {
    const { incompatibilities, exception } = checkCompatibility(reader.parsed, avroType(schema).parsed)
    if (exception !== undefined)
      return [{ ...about, field: undefined, reason: exception, fix: 'Remove the alias that is ambiguous.' }]
    return incompatibilities.map((difference) => ({ ...about, ...explainIncompatibility(difference) }))
  } catch (error) {
    if (!(error instanceof AvroError)) throw error
    return [{ ...about, field: undefined, reason: error.message, fix: error.fix }]
  }
}

function lintFindings(
  event: KnownEvent,
  { subject, version, schema }: RegisteredSchema,
  since: number,
): readonly GateFinding[] {
  const { findings } = lintEvolution({ text: schema }, { text: event.textSince(since) })
  return findings
    .filter(({ severity }) => severity === 'error')
    .map(({ rule, path, message, fix }) => {
      const reason = `${rule}: ${message}`
      return { subject, version, place: undefined, field: path === '' ? undefined : path, reason, fix }
    })
}
