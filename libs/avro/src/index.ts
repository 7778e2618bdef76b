export { avroType, type AvroType, type BodyReader } from './codec/avro-type.ts'
export { plainType, unionShape } from './codec/union-shape.ts'
export { type AvroStandardSchema, standardSchema } from './codec/standard-schema.ts'
export {
  decodeWire,
  encodeWire,
  GUID_HEADERS,
  guidHeader,
  type WireHeader,
  type WriterSchemaKey,
  writerSchemaOf,
} from './codec/wire-format.ts'
export {
  type DecodedWireValue,
  type FetchWriter,
  WireReader,
  type WireValue,
  type WriterKey,
} from './codec/wire-reader.ts'
export {
  checkCompatibility,
  type Compatibility,
  type Incompatibility,
  type IncompatibilityType,
} from './compatibility/compatibility.ts'
export { explainIncompatibility, type Explanation } from './compatibility/explain.ts'
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
export { fingerprint64 } from './schema/fingerprint.ts'
export { SCHEMA_LIMITS } from './schema/limits.ts'
export { type LogicalType, logicalTypeOf } from './schema/logical-type.ts'
export { normalizedText } from './schema/normalize.ts'
export { parseSchema, type ParseOptions } from './schema/parse-schema.ts'
export { parsingCanonicalForm } from './schema/parsing-canonical-form.ts'
export {
  type FindReferenced,
  normalizedReferences,
  type ReferencedVersion,
  type ReferenceRules,
  type ResolvedReferences,
  resolveReferences,
  type SchemaReference,
} from './schema/references.ts'
export {
  type GuidParts,
  schemaGuid,
  schemaMd5,
  type SchemaMetadata,
  type SchemaRule,
  type SchemaRuleSet,
} from './schema/schema-guid.ts'
export { branchName, type ParsedSchema, type SchemaNode } from './schema/schema-node.ts'
export { generateEvents, type GeneratedFile, type GenerationInput } from './generate/generate-events.ts'
export type { SchemaFile } from './generate/schema-file.ts'
export { kebabCase } from './generate/schema-history.ts'
export type { TopicEvents } from './generate/topics-text.ts'
export { type ChangedThing, diffSchemas, type SchemaChange } from './diff/diff-schemas.ts'
export { diagnose, type Diagnosis, type LevelDiagnosis, satisfiedLevels, type VersionSource } from './diff/diagnose.ts'
export type { LintFinding } from './lint/finding.ts'
export { withoutLint } from './lint/ignores.ts'
export { lintEvolution, type LintOptions, type LintReport, lintSchema, lintVersion } from './lint/lint.ts'
export { isLintRule, LINT_RULES, type LintRule, type LintRuleText, type LintSeverity } from './lint/lint-rules.ts'
export type { SchemaSource, SourcePosition } from './source/schema-source.ts'
