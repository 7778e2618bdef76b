import { AvroError, kebabCase, resolveReferences, type SchemaReference } from '@keyfold/avro'
import { CliError } from '../cli-error.ts'
import { type EventHistory, type HistoryVersion, nameOf, parsedSource } from './event-history.ts'
import { placeAt, type Place, placeText, type Problem, type SchemaRule, startOf } from './problem.ts'
import { referenceList, referencesFix } from './reference-list.ts'
import type { SchemaTree } from './schema-tree.ts'
import { topicsIn } from './topic-subjects.ts'

export interface LoadedSchemas {
  /** By context and event. */
  readonly histories: readonly EventHistory[]
  /** Files that cannot be used. */
  readonly problems: readonly Problem[]
}

interface SchemaFile {
  readonly event: string
  readonly version: number
  readonly file: string
  readonly text: string
  readonly references: readonly SchemaReference[]
}

/** Makes histories of the files of a tree: `<context>/<event>/v<n>.avsc`, with `v<n>.references.json` beside it. */
export function loadSchemas(tree: SchemaTree): LoadedSchemas {
  const problems: Problem[] = []
  const files = [...tree.files].flatMap(([path, text]) => {
    if (!/\.avsc$/i.test(path)) return []
    return schemaFileAt(path, text, tree, problems)
  })
  const topics = topicsIn(tree)
  const loader = new Loader(files, problems, topics)
  const byEvent = Map.groupBy(files, ({ event }) => event)
  const found = Array.from(byEvent, ([event, ofEvent]) => loader.history(event, ofEvent))
  const histories = found.flatMap((history) => history ?? [])
  problems.push(...sameNames(histories), ...strangers(topics, tree, files))
  return { histories, problems }
}

/** The same for commands that need all files to be usable. Errors: `SCHEMAS_INVALID`, `SCHEMAS_MISSING`. */
export function usableSchemas(tree: SchemaTree): readonly EventHistory[] {
  const { histories, problems } = loadSchemas(tree)
  const [problem] = problems
  if (problem !== undefined) {
    const others = problems.length > 1 ? ` (and ${problems.length - 1} more: keyfold schemas check)` : ''
    throw new CliError('SCHEMAS_INVALID', `${placeText(problem.at)} ${problem.message}${others}`, problem.fix)
  }
  if (histories.length === 0) throw noSchemas(tree)
  return histories
}

export function noSchemas({ label }: SchemaTree): CliError {
  return new CliError(
    'SCHEMAS_MISSING',
    `there is no schema in ${label}`,
    `Write ${label}<context>/<event>/v1.avsc first`,
  )
}

/** One event in two folders would be two histories of one subject. */
function sameNames(histories: readonly EventHistory[]): readonly Problem[] {
  return histories.flatMap(({ event, fullName, versions }, index) => {
    const first = histories.slice(0, index).find((history) => history.fullName === fullName)
    const [version] = versions
    if (first === undefined || version === undefined) return []
    const at = startOf(version.file, version.source.text)
    const message = `${fullName} is in two folders: ${first.event} and ${event}`
    return [{ ...blank(event, at), rule: 'SCHEMA_MISPLACED', message, fix: 'Keep one, or give the other another name' }]
  })
}

/** Events that topics.json names and no folder has. */
function strangers(
  topics: ReadonlyMap<string, readonly string[]>,
  { label, files: texts }: SchemaTree,
  files: readonly SchemaFile[],
): readonly Problem[] {
  return [...topics].flatMap(([key, ofEvent]) => {
    const [context = '', name = ''] = key.split('/')
    const event = `${context}/${kebabCase(name)}`
    if (files.some((file) => file.event === event)) return []
    const path = `${context}/topics.json`
    const text = texts.get(path) ?? ''
    const at = placeAt(label + path, text, Math.max(0, text.indexOf(JSON.stringify(name))))
    const message = `topic ${ofEvent[0]} has an event ${name}, which no folder has`
    return [
      {
        ...blank(event, at),
        rule: 'SCHEMA_EVENT_UNKNOWN',
        message,
        fix: `Write ${label}${event}/v1.avsc, or correct the name`,
      },
    ]
  })
}

function schemaFileAt(path: string, text: string, tree: SchemaTree, problems: Problem[]): readonly SchemaFile[] {
  const file = tree.label + path
  const [, event = '', number = ''] = /^([a-z][a-z0-9-]*\/[a-z][a-z0-9-]*)\/v([1-9]\d*)\.avsc$/.exec(path) ?? []
  if (event !== '') {
    const sidecar = path.replace(/\.avsc$/, '.references.json')
    const references = referencesIn(tree, sidecar, { event, problems })
    return [{ event, version: Number(number), file, text, references }]
  }
  const [, folder = '', again] = /^(.*)\/v0*([1-9]\d*)\.avsc$/i.exec(path) ?? []
  const twin = `${folder}/v${again}.avsc`
  const isTwice = again !== undefined && twin !== path && tree.files.has(twin)
  const problem = isTwice
    ? {
        rule: 'SCHEMA_VERSION_TWICE' as const,
        message: `a second file of version ${again}: ${tree.label}${twin} is there, too`,
      }
    : { rule: 'SCHEMA_MISPLACED' as const, message: 'the path does not say context, event and version' }
  const fix = isTwice
    ? 'Keep the one that was published, and remove the other'
    : 'Call it <context>/<event-in-kebab-case>/v<number>.avsc'
  problems.push({ ...blank(folder, startOf(file, text)), ...problem, fix })
  return []
}

function referencesIn(
  { files, label }: SchemaTree,
  path: string,
  { event, problems }: { readonly event: string; readonly problems: Problem[] },
): readonly SchemaReference[] {
  const text = files.get(path)
  if (text === undefined) return []
  try {
    return referenceList(text)
  } catch (error) {
    const { message } = error as Error
    problems.push({ ...blank(event, startOf(label + path, text)), message, fix: referencesFix })
    return []
  }
}

/** What all problems of unusable files have in common. */
function blank(event: string, at: Place): Omit<Problem, 'message' | 'fix'> {
  return { severity: 'error', rule: 'SCHEMA_INVALID', event, path: '', at, previous: undefined }
}

class Loader {
  readonly #problems: Problem[]
  readonly #topics: ReadonlyMap<string, readonly string[]>
  readonly #versions = new Map<SchemaFile, HistoryVersion>()
  /** By subject, version by version. */
  readonly #bySubject = new Map<string, Map<number, HistoryVersion>>()

  constructor(files: readonly SchemaFile[], problems: Problem[], topics: ReadonlyMap<string, readonly string[]>) {
    this.#problems = problems
    this.#topics = topics
    let waiting = files
    // What others refer to is parsed before them.
    for (;;) {
      const ready = waiting.filter(({ references }) => references.every((each) => this.#find(each) !== undefined))
      for (const file of ready.length === 0 ? waiting : ready) this.#parse(file)
      if (ready.length === 0) return
      waiting = waiting.filter((file) => !ready.includes(file))
    }
  }

  history(event: string, files: readonly SchemaFile[]): EventHistory | undefined {
    const sorted = files.toSorted((left, right) => left.version - right.version)
    for (const [index, { version, file, text }] of sorted.entries()) {
      const wanted = (sorted[index - 1]?.version ?? 0) + 1
      if (version === wanted) continue
      const missing = `v${wanted}.avsc`
      this.#add(event, startOf(file, text), {
        rule: 'SCHEMA_VERSION_MISSING',
        message: `${missing} is missing before v${version}.avsc`,
        fix: `Restore ${missing}, or call this file so if ${missing} never existed: versions count from 1 without gaps`,
      })
    }
    const versions = sorted.flatMap((file) => this.#versions.get(file) ?? [])
    const newest = versions.at(-1)
    if (newest === undefined) return undefined
    const fullName = nameOf(newest.parsed)
    this.#checkFolder(event, fullName, newest)
    const subjects = this.#subjectsOf(event, fullName)
    return { event, fullName, subjects, isOnTopic: this.#topicsOf(event, fullName).length > 0, versions }
  }

  #parse(file: SchemaFile): void {
    const { event, version, text } = file
    try {
      const { texts, references } = resolveReferences(file.references, (each) => this.#find(each), { subject: event })
      const source = texts.length === 0 ? { text } : { text, references: texts }
      const parsed = parsedSource(source, true)
      const made: HistoryVersion = { version, file: file.file, source, parsed, references }
      this.#versions.set(file, made)
      for (const subject of this.#subjectsOf(event, nameOf(parsed))) {
        const known = this.#bySubject.get(subject) ?? new Map<number, HistoryVersion>()
        this.#bySubject.set(subject, known.set(version, made))
      }
    } catch (error) {
      if (!(error instanceof AvroError)) throw error
      const { at, message } = errorPlace(file.file, text, error.message)
      this.#add(event, at, { rule: 'SCHEMA_INVALID', message, fix: fixOf(error) })
    }
  }

  #find({ subject, version }: SchemaReference) {
    const found = this.#bySubject.get(subject)?.get(version)
    if (found === undefined) return undefined
    return { subject, version, schema: found.source.text, references: found.references }
  }

  #checkFolder(event: string, fullName: string, { file, source }: HistoryVersion): void {
    const short = kebabCase(fullName.slice(fullName.lastIndexOf('.') + 1))
    if (short === event.split('/')[1]) return
    this.#add(event, startOf(file, source.text), {
      rule: 'SCHEMA_MISPLACED',
      message: `it is the schema of ${fullName}, in the folder of another`,
      fix: `Call the folder ${event.split('/')[0]}/${short}`,
    })
  }

  #subjectsOf(event: string, fullName: string): readonly string[] {
    const topics = this.#topicsOf(event, fullName)
    return topics.length === 0 ? [fullName] : topics.map((topic) => `${topic}-${fullName}`)
  }

  #topicsOf(event: string, fullName: string): readonly string[] {
    return this.#topics.get(`${event.split('/')[0]}/${fullName.slice(fullName.lastIndexOf('.') + 1)}`) ?? []
  }

  #add(event: string, at: Place, problem: { rule: SchemaRule; message: string; fix: string }): void {
    this.#problems.push({ ...blank(event, at), ...problem })
  }
}

/** JSON errors say at which character they are; people want lines. */
export function errorPlace(
  file: string,
  text: string,
  message: string,
): { readonly at: Place; readonly message: string } {
  const [, before, offset] = /^(The schema is not valid JSON: .*) at character (\d+)$/s.exec(message) ?? []
  if (before === undefined) return { at: startOf(file, text), message }
  return { at: placeAt(file, text, Number(offset)), message: before }
}

function fixOf({ message, fix }: AvroError): string {
  const [, name] = /^Undefined schema: (\S+)$/.exec(message) ?? []
  if (name === undefined) return fix
  return `Define ${name} in this schema, or name it with its subject and version in v<n>.references.json beside it`
}
