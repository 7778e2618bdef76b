/** A version of a subject. */
export interface RegisteredVersion {
  readonly version: number
  readonly id: number
  readonly schema: string
}

/** What the codec asks of a schema registry. Errors of every call: `REGISTRY_UNREACHABLE`, `REGISTRY_REFUSED`. */
export interface SchemaRegistryClient {
  readonly url: string
  /** The id of a schema under a subject; undefined when it is not registered there. */
  findId(subject: string, schemaText: string): Promise<number | undefined>
  /** All versions of a subject, oldest first; none when it does not exist. */
  versions(subject: string): Promise<readonly RegisteredVersion[]>
  subjectExists(subject: string): Promise<boolean>
  /** Registers a schema as the subject's next version. Errors: also `SCHEMA_INCOMPATIBLE`. */
  register(subject: string, schemaText: string): Promise<number>
  /** The text of a schema; undefined when the registry has no such id. */
  schemaText(id: number): Promise<string | undefined>
}
