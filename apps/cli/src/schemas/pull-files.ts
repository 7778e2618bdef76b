import { kebabCase } from '@keyfold/avro'
import { type EventHistory, identityOf, nameOf, parsedSource } from './event-history.ts'
import type { RegisteredHistory, RegisteredVersion } from './registered-history.ts'
import { topicLists } from './topic-subjects.ts'
import type { SchemaTree } from './schema-tree.ts'

export interface PulledFile {
  /** Below the folder of the schemas. */
  readonly path: string
  readonly text: string
  readonly state: 'written' | 'unchanged' | 'differs'
}

export interface PullPlan {
  readonly files: readonly PulledFile[]
  /** Subjects that have no place in the folder, and why. */
  readonly left: readonly { readonly subject: string; readonly reason: string }[]
}

/** Which files the folder needs to hold what a registry holds. Files that mean the same stay as they are. */
export function planPull(
  registered: readonly RegisteredHistory[],
  {
    histories,
    tree,
    context,
  }: { readonly histories: readonly EventHistory[]; readonly tree: SchemaTree; readonly context: string | undefined },
): PullPlan {
  const files = new Map<string, PulledFile>()
  const left: { subject: string; reason: string }[] = []
  const topics = new TopicFiles(tree)
  for (const { subject, versions } of registered) {
    const place = placeOf(subject, versions, { histories, context })
    if ('reason' in place) {
      left.push({ subject, reason: place.reason })
      continue
    }
    for (const version of versions) addVersion(files, version, { folder: place.folder, tree, histories })
    if (place.topic !== undefined) topics.add(place.folder.split('/')[0] ?? '', place.topic, place.shortName)
  }
  return { files: [...files.values(), ...topics.files()], left }
}

interface SubjectPlace {
  readonly folder: string
  readonly shortName: string
  readonly topic: string | undefined
}

/** `<topic>-<full name>` and `<full name>` have a place; versions must count from 1 without gaps. */
function placeOf(
  subject: string,
  versions: readonly RegisteredVersion[],
  { histories, context }: { readonly histories: readonly EventHistory[]; readonly context: string | undefined },
): SubjectPlace | { readonly reason: string } {
  const newest = versions.at(-1)
  if (newest === undefined) return { reason: 'it has no versions' }
  const fullName = nameOf(newest.parsed)
  if (subject !== fullName && !subject.endsWith(`-${fullName}`))
    return { reason: `it is not called <topic>-${fullName}, so no topic and event can be told` }
  const gap = versions.findIndex(({ version }, index) => version !== index + 1)
  if (gap >= 0) return { reason: `version ${gap + 1} was deleted for good: what was written with it cannot be checked` }
  const dot = fullName.lastIndexOf('.')
  const shortName = fullName.slice(dot + 1)
  const topic = subject === fullName ? undefined : subject.slice(0, -fullName.length - 1)
  const known = histories.find((history) => history.fullName === fullName)
  const folder = known?.event ?? `${context ?? contextOf(fullName.slice(0, Math.max(0, dot)))}/${kebabCase(shortName)}`
  if (!/^[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*$/.test(folder))
    return { reason: `${folder} cannot be the folder of an event; name another context with --context` }
  return { folder, shortName, topic }
}

function contextOf(namespace: string): string {
  return namespace.split('.').map(kebabCase).join('-')
}

function addVersion(
  files: Map<string, PulledFile>,
  version: RegisteredVersion,
  {
    folder,
    tree,
    histories,
  }: { readonly folder: string; readonly tree: SchemaTree; readonly histories: readonly EventHistory[] },
): void {
  const path = `${folder}/v${version.version}.avsc`
  const pulled = files.get(path)
  const local = histories
    .find(({ event }) => event === folder)
    ?.versions.find((each) => each.version === version.version)
  const text = prettyText(version)
  // Two topics with one event hold the same versions, or somebody has to decide.
  const isSame = local === undefined ? pulled?.text === text : identityOf(local) === identityOf(version)
  const exists = tree.files.has(path) || pulled !== undefined
  const state = !exists ? 'written' : isSame ? (pulled?.state ?? 'unchanged') : 'differs'
  files.set(path, { path, text, state })
  if (state !== 'written' || version.references.length === 0) return
  const references = `${folder}/v${version.version}.references.json`
  files.set(references, { path: references, text: `${JSON.stringify(version.references, null, 2)}\n`, state })
}

/** The text for people, as long as it means the same: numbers beyond JavaScript's keep their text as it is. */
function prettyText(version: RegisteredVersion): string {
  const { text, references = [] } = version.source
  const pretty = `${JSON.stringify(JSON.parse(text), null, 2)}\n`
  const parsed = parsedSource({ text: pretty, references }, false)
  return identityOf({ parsed, references: version.references }) === identityOf(version) ? pretty : `${text}\n`
}

/** `<context>/topics.json` with what was there and what subjects add. */
class TopicFiles {
  readonly #tree: SchemaTree
  readonly #contexts = new Map<string, Map<string, Set<string>>>()

  constructor(tree: SchemaTree) {
    this.#tree = tree
  }

  add(context: string, topic: string, event: string): void {
    const topics = this.#contexts.get(context) ?? this.#read(context)
    this.#contexts.set(context, topics)
    topics.set(topic, (topics.get(topic) ?? new Set()).add(event))
  }

  files(): readonly PulledFile[] {
    return Array.from(this.#contexts, ([context, topics]) => {
      const path = `${context}/topics.json`
      const lists = Object.fromEntries(
        Array.from(topics, ([topic, events]) => [topic, [...events].toSorted()] as const).toSorted(([left], [right]) =>
          left < right ? -1 : 1,
        ),
      )
      const lines = Object.entries(lists).map(([topic, events]) => `  ${JSON.stringify(topic)}: ${listText(events)}`)
      const there = this.#tree.files.get(path)
      const isSame = there !== undefined && JSON.stringify(sorted(topicLists(there, path))) === JSON.stringify(lists)
      return { path, text: isSame ? there : `{\n${lines.join(',\n')}\n}\n`, state: isSame ? 'unchanged' : 'written' }
    })
  }

  #read(context: string): Map<string, Set<string>> {
    const path = `${context}/topics.json`
    const text = this.#tree.files.get(path)
    const lists = text === undefined ? {} : topicLists(text, this.#tree.label + path)
    return new Map(Object.entries(lists).map(([topic, events]) => [topic, new Set(events)]))
  }
}

function sorted(lists: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, readonly string[]>> {
  const entries = Object.entries(lists).map(([topic, events]) => [topic, events.toSorted()] as const)
  return Object.fromEntries(entries.toSorted(([left], [right]) => (left < right ? -1 : 1)))
}

function listText(events: readonly string[]): string {
  return `[${events.map((event) => JSON.stringify(event)).join(', ')}]`
}
