import { AvroError } from '../errors.ts'
import { resolveReferences, type SchemaReference } from '../schema/references.ts'
import { parseSchema } from '../schema/parse-schema.ts'
import type { ParsedSchema } from '../schema/schema-node.ts'
import { invalidFile, type SchemaFile, schemaText } from './schema-file.ts'
import type { TopicEvents } from './topics-text.ts'

/** A file that another one refers to. */
export interface ReferencedFile {
  readonly reference: SchemaReference
  readonly file: SchemaFile
}

export interface ParsedFile {
  readonly schema: ParsedSchema
  /** Those that the file itself names. */
  readonly references: readonly ReferencedFile[]
}

/** All schemas of a folder: finds what a file refers to by the subject under which it is registered. */
export class SchemaFolder {
  readonly #topics: readonly TopicEvents[]
  readonly #bySubject = new Map<string, Map<number, SchemaFile>>()
  /** Contexts and events, `bank/money`, that others refer to. */
  readonly #referenced = new Set<string>()

  constructor(files: readonly SchemaFile[], topics: readonly TopicEvents[]) {
    this.#topics = topics
    for (const file of files)
      for (const subject of this.#subjectsOf(file)) {
        const versions = this.#bySubject.get(subject) ?? new Map<number, SchemaFile>()
        this.#bySubject.set(subject, versions.set(file.version, file))
      }
    for (const { file } of files.flatMap((each) => this.#referencesOf(each))) this.#referenced.add(keyOf(file))
  }

  /**
   * Whether it is a type that events use, and no event: it is on no topic, though the context has topics or others refer
   * to it.
   */
  isShared(file: SchemaFile): boolean {
    if (this.#topicsOf(file).length > 0) return false
    return this.#referenced.has(keyOf(file)) || this.#topics.some(({ context }) => context === file.context)
  }

  /** Throws `AVRO_HISTORY_INVALID`. */
  parse(file: SchemaFile): ParsedFile {
    try {
      const { texts } = resolveReferences(file.references ?? [], (each) => this.#find(each), {
        subject: '',
        strictVersions: true,
      })
      const schema = parseSchema(schemaText(file), { strict: true, references: texts })
      const references = this.#referencesOf(file)
      for (const { reference, file: found } of references) checkName(file, reference, fullNameIn(found))
      return { schema, references }
    } catch (error) {
      if (!(error instanceof AvroError) || error.code === 'AVRO_HISTORY_INVALID') throw error
      const [, name] = /^Undefined schema: (\S+)$/.exec(error.message) ?? []
      const fix =
        name === undefined
          ? error.fix
          : `Define ${name} in this schema, or name it with its subject and version in v${file.version}.references.json.`
      throw invalidFile(file, error.message, fix)
    }
  }

  #find({ subject, version }: SchemaReference) {
    const file = this.#bySubject.get(subject)?.get(version)
    return file && { subject, version, schema: schemaText(file), references: file.references ?? [] }
  }

  #referencesOf({ references = [] }: SchemaFile): readonly ReferencedFile[] {
    return references.flatMap((reference) => {
      const file = this.#bySubject.get(reference.subject)?.get(reference.version)
      return file === undefined ? [] : [{ reference, file }]
    })
  }

  #subjectsOf(file: SchemaFile): readonly string[] {
    const name = fullNameIn(file)
    if (name === undefined) return []
    const topics = this.#topicsOf(file)
    return topics.length === 0 ? [name] : topics.map(({ topic }) => `${topic}-${name}`)
  }

  #topicsOf(file: SchemaFile): readonly TopicEvents[] {
    const name = fullNameIn(file)
    const short = name?.slice(name.lastIndexOf('.') + 1) ?? ''
    return this.#topics.filter(({ context, events }) => context === file.context && events.includes(short))
  }
}

/** Folder of all versions of an event or a type. */
export function keyOf({ context, event }: SchemaFile): string {
  return `${context}/${event}`
}

function checkName(file: SchemaFile, { name, subject }: SchemaReference, found: string | undefined): void {
  if (found === name) return
  const fix = `Write "name": "${found}" in v${file.version}.references.json.`
  throw invalidFile(file, `it refers to ${name}, but the subject ${subject} has ${found}`, fix)
}

/** Read from the text alone, before it is known what the schema needs; undefined where it will not parse either. */
function fullNameIn({ schema }: SchemaFile): string | undefined {
  let json: unknown
  try {
    json = JSON.parse(schema)
  } catch {
    return undefined
  }
  const { name, namespace } = Object(json) as Readonly<Record<string, unknown>>
  if (typeof name !== 'string') return undefined
  return name.includes('.') || typeof namespace !== 'string' || namespace === '' ? name : `${namespace}.${name}`
}
