import type { SchemaReference } from '@keyfold/avro'

/** A schema as a registry has it: its text, and where the types are that it uses without defining them. */
export interface RegistrySchema {
  readonly schema: string
  readonly references: readonly SchemaReference[]
}

/** A version of a subject. */
export interface RegisteredVersion extends RegistrySchema {
  readonly version: number
  readonly id: number
}

/** What the codec asks of a schema registry. Errors of every call: `REGISTRY_UNREACHABLE`, `REGISTRY_REFUSED`. */
export interface SchemaRegistryClient {
  readonly url: string
  /** The version that a schema is of a subject, and its id; undefined when it is not registered there. */
  find(subject: string, schema: RegistrySchema): Promise<{ readonly id: number; readonly version: number } | undefined>
  /** All versions of a subject, oldest first; none when it does not exist. */
  versions(subject: string): Promise<readonly RegisteredVersion[]>
  /** One version of a subject, also one that was deleted: what refers to it still needs it. */
  version(subject: string, version: number): Promise<RegistrySchema | undefined>
  subjectExists(subject: string): Promise<boolean>
  /** Registers a schema as the subject's next version. Errors: also `SCHEMA_INCOMPATIBLE`. */
  register(subject: string, schema: RegistrySchema): Promise<number>
  /** A schema by its id; undefined when the registry has no such id. */
  schema(id: number): Promise<RegistrySchema | undefined>
}
