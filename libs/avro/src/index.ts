export { avroType, type AvroType, type BodyReader } from './codec/avro-type.ts'
export { decodeWire, encodeWire, type WireHeader } from './codec/wire-format.ts'
export {
  checkCompatibility,
  type Compatibility,
  type Incompatibility,
  type IncompatibilityType,
} from './compatibility/compatibility.ts'
export {
  checkLevel,
  COMPATIBILITY_LEVELS,
  type CompatibilityLevel,
  type Direction,
  type DirectionFailure,
  type LevelVerdict,
  type SchemaVersion,
} from './compatibility/levels.ts'
export { verboseMessages } from './compatibility/verbose-messages.ts'
export { AvroError, type AvroErrorCode } from './errors.ts'
export { md5, uuidText } from './md5.ts'
export { canonicalSchema } from './schema/canonical.ts'
export { fingerprint64, schemaGuid } from './schema/fingerprint.ts'
export { SCHEMA_LIMITS } from './schema/limits.ts'
export { normalizedText } from './schema/normalize.ts'
export { parseSchema, type ParseOptions } from './schema/parse-schema.ts'
export { parsingCanonicalForm } from './schema/parsing-canonical-form.ts'
export type { ParsedSchema, SchemaNode } from './schema/schema-node.ts'
export { generateEvents, type GeneratedFile } from './generate/generate-events.ts'
export type { SchemaFile } from './generate/schema-history.ts'
