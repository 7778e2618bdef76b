import type { AnyEventType } from './event.ts'
import { type UpcasterDescriptor, upcasterInWords, upcastTargets } from './upcaster.ts'

/**
 * What is wrong with a set of upcasters, one sentence each with what there is: unknown events and versions, overlaps, gaps,
 * cycles. Empty when every stored event has exactly one way to the code of today. `events` are those that the code knows.
 */
export function upcasterProblems(
  events: readonly AnyEventType[],
  upcasters: readonly UpcasterDescriptor[],
): readonly string[] {
  const byEvent = Map.groupBy(upcasters, ({ event }) => event)
  const problems = upcasters.flatMap((upcaster) => [
    ...versionProblems(upcaster),
    ...unknownEvents(upcaster, events, byEvent),
  ])
  for (const ofEvent of byEvent.values()) problems.push(...overlaps(ofEvent), ...gaps(ofEvent))
  return [...problems, ...cycles(upcasters)]
}

function versionProblems(upcaster: UpcasterDescriptor): readonly string[] {
  const { event, source, from, step } = upcaster
  const problems = [
    ...(from === Number.POSITIVE_INFINITY ? [] : missingVersion(upcaster, source, from)),
    ...(step.kind === 'map' ? missingVersion(upcaster, source, step.to) : []),
    ...(step.kind === 'rename' ? missingVersion(upcaster, step.to, step.version) : []),
  ]
  if (step.kind === 'map' && step.to <= from)
    problems.push(`the upcaster ${upcasterInWords(upcaster)} goes backwards: "to" must be above "from"`)
  if (source === undefined && from !== Number.POSITIVE_INFINITY)
    problems.push(
      `the upcaster ${upcasterInWords(upcaster)} names ${event} by text, so it cannot start at a version of it`,
    )
  return problems
}

function missingVersion(upcaster: UpcasterDescriptor, event: AnyEventType | undefined, version: number): string[] {
  if (event === undefined || event.versions.some((known) => known.version === version)) return []
  const versions = event.versions.map((known) => known.version).join(', ')
  return [
    `the upcaster ${upcasterInWords(upcaster)}: ${event.eventName} has no version ${version}; its versions are ${versions}`,
  ]
}

function unknownEvents(
  upcaster: UpcasterDescriptor,
  events: readonly AnyEventType[],
  byEvent: ReadonlyMap<string, readonly UpcasterDescriptor[]>,
): readonly string[] {
  const names = events.map(({ eventName }) => eventName)
  // An event that is renamed, split or dropped altogether need not be known: it never reaches anybody.
  const isGone = (name: string) => byEvent.get(name)?.some(takesAll) ?? false
  const needed = [upcaster.event, ...upcastTargets(upcaster)]
  const unknown = [...new Set(needed)].filter((name) => !names.includes(name) && !isGone(name))
  return unknown.map(
    (name) =>
      `the upcaster ${upcasterInWords(upcaster)}: ${name} is not among the events here, which are ${names.join(', ') || 'none'}`,
  )
}

/** Nothing that the code knows of the event is left after it. */
function takesAll({ source, from, step }: UpcasterDescriptor): boolean {
  return step.kind !== 'map' && from >= (source?.newest.version ?? Number.POSITIVE_INFINITY)
}

function overlaps(ofEvent: readonly UpcasterDescriptor[]): readonly string[] {
  const byStart = Map.groupBy(ofEvent, ({ from }) => from)
  return [...byStart.values()]
    .filter((same) => same.length > 1)
    .map((same) => `the upcasters ${same.map(upcasterInWords).join(' and ')} overlap: keep one of them`)
}

/** A version in the middle of a jump must have an upcaster of its own: what changed its meaning would be left out. */
function gaps(ofEvent: readonly UpcasterDescriptor[]): readonly string[] {
  return ofEvent.flatMap((upcaster) => {
    const { event, from, step } = upcaster
    if (step.kind !== 'map') return []
    const inside = Array.from({ length: Math.max(0, step.to - from - 1) }, (_, index) => from + 1 + index)
    const missed = inside.filter((version) => !ofEvent.some((other) => other.from >= version && other.from < step.to))
    if (missed.length === 0) return []
    const there = ofEvent.map(upcasterInWords).join(', ')
    return [
      `the upcaster ${upcasterInWords(upcaster)} leaves a gap: nothing takes version ${missed.join(' or ')} of ${event} ` +
        `to ${step.to} (there is ${there}); start it from ${missed.at(-1)}, or add an upcaster from there`,
    ]
  })
}

function cycles(upcasters: readonly UpcasterDescriptor[]): readonly string[] {
  const edges = new Map<string, Set<string>>()
  for (const upcaster of upcasters) {
    const others = upcastTargets(upcaster).filter(
      // Old versions may be split into the event itself and others; all versions may not.
      (target) => target !== upcaster.event || upcaster.from === Number.POSITIVE_INFINITY,
    )
    edges.set(upcaster.event, new Set([...(edges.get(upcaster.event) ?? []), ...others]))
  }
  const done = new Set<string>()
  const found: string[] = []
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) {
      found.push(`upcasters go in a circle: ${[...path.slice(path.indexOf(name)), name].join(' → ')}`)
      return
    }
    if (done.has(name)) return
    for (const next of edges.get(name) ?? []) visit(next, [...path, name])
    done.add(name)
  }
  for (const name of edges.keys()) visit(name, [])
  return found
}
