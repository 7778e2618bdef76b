import { describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { checkCompatibility } from './compatibility/compatibility.ts'
import { checkLevel, type CompatibilityLevel } from './compatibility/levels.ts'
import { AvroError } from './errors.ts'
import { canonicalSchema } from './schema/canonical.ts'
import { fingerprint64 } from './schema/fingerprint.ts'
import { normalizedText } from './schema/normalize.ts'
import { parseSchema } from './schema/parse-schema.ts'
import { parsingCanonicalForm } from './schema/parsing-canonical-form.ts'
import { schemaGuid } from './schema/schema-guid.ts'

/**
 * Every row was computed with Avro Java 1.12 and Confluent's registry. All rows run; none is skipped or treated in a
 * way of its own. The count is asserted too, so that a file that is cut short does not pass.
 */
function rowsOf<Row>(file: string): readonly Row[] {
  return JSON.parse(readFileSync(new URL(`testdata/${file}`, import.meta.url), 'utf8')) as Row[]
}

/** Runs all rows before it judges, so that one failure does not hide the others. */
function expectAll<Row>(
  name: string,
  rows: readonly Row[],
  count: number,
  check: (row: Row) => string | undefined,
): void {
  const failures = rows.map(check).filter((failure) => failure !== undefined)
  console.log(`${name}: ${rows.length - failures.length} of ${rows.length} rows pass`)
  expect(failures).toEqual([])
  expect(rows).toHaveLength(count)
}

function difference(id: string, actual: object, expected: object): string | undefined {
  const texts = [JSON.stringify(actual), JSON.stringify(expected)]
  return texts[0] === texts[1] ? undefined : `${id}\n  is  ${texts[0]}\n  not ${texts[1]}`
}

interface CanonicalRow {
  readonly schema: string
  readonly canonical: string
  readonly guid: string
  readonly normalized: string
  readonly normalizedCanonical: string
  readonly normalizedGuid: string
  readonly parsingCanonicalForm: string
  readonly crc64avro: string
}

interface CompatibilityRow {
  readonly id: string
  readonly reader: unknown
  readonly writer: unknown
  readonly compatible: boolean
  readonly errors?: readonly string[]
  readonly errorDetails?: readonly { readonly type: string; readonly path: string; readonly message: string }[]
  readonly exception?: string
}

interface LevelRow {
  readonly id: string
  readonly level: CompatibilityLevel
  readonly schema: unknown
  readonly previous: readonly unknown[]
  readonly compatible: boolean
  readonly firstFailingVersion?: number
  readonly failingDirections?: readonly string[]
}

interface ParseRow {
  readonly case: string
  readonly schema: string
  readonly javaLenient: boolean
  readonly javaStrict: boolean
  readonly javaLenientError?: string
  readonly javaStrictError?: string
}

interface InvalidRow {
  readonly id: string
  readonly reader: unknown
  readonly writer: unknown
  readonly javaParseError: string
}

/** The message a schema is refused with, or nothing when it is accepted. */
function refusal(text: string, strict: boolean): string | undefined {
  try {
    parseSchema(text, { strict })
    return undefined
  } catch (error) {
    if (error instanceof AvroError) return error.message
    throw error
  }
}

describe('computed with Avro Java', () => {
  it('canonical string, guid, normalised form, parsing canonical form and fingerprint', () => {
    expectAll('avro-canonical', rowsOf<CanonicalRow>('avro-canonical.json'), 377, (row) => {
      const schema = parseSchema(row.schema)
      const canonical = canonicalSchema(schema)
      const normalized = normalizedText(schema)
      const normalizedCanonical = canonicalSchema(parseSchema(normalized))
      return difference(
        row.schema,
        {
          schema: row.schema,
          canonical,
          guid: schemaGuid(canonical),
          normalized,
          normalizedCanonical,
          normalizedGuid: schemaGuid(normalizedCanonical),
          parsingCanonicalForm: parsingCanonicalForm(schema),
          crc64avro: fingerprint64(schema).toString(16).padStart(16, '0'),
        },
        row,
      )
    })
  })

  it('compatibility of pairs: verdict, error types, paths and messages', () => {
    expectAll('avro-compatibility', rowsOf<CompatibilityRow>('avro-compatibility.json'), 506, (row) => {
      const result = checkCompatibility(
        parseSchema(JSON.stringify(row.reader)),
        parseSchema(JSON.stringify(row.writer)),
      )
      return difference(
        row.id,
        {
          compatible: result.compatible,
          details: result.incompatibilities.map(({ type, path, message }) => ({ type, path, message })),
          exception: result.exception,
        },
        { compatible: row.compatible, details: row.errorDetails ?? [], exception: row.exception },
      )
    })
  })

  it('compatibility levels against a history: verdict, first failing version and directions', () => {
    expectAll('avro-compatibility-levels', rowsOf<LevelRow>('avro-compatibility-levels.json'), 194, (row) => {
      const history = row.previous.map((schema, index) => ({
        version: index + 1,
        schema: parseSchema(JSON.stringify(schema)),
      }))
      const verdict = checkLevel(row.level, parseSchema(JSON.stringify(row.schema)), history)
      return difference(
        row.id,
        {
          compatible: verdict.compatible,
          version: verdict.failing?.version,
          directions: verdict.failures.map(({ direction }) => direction),
        },
        { compatible: row.compatible, version: row.firstFailingVersion, directions: row.failingDirections ?? [] },
      )
    })
  })

  it('which schemas are accepted as new and as stored ones, and the refusals', () => {
    expectAll('avro-parse', rowsOf<ParseRow>('avro-parse.json'), 57, (row) => {
      const lenient = refusal(row.schema, false)
      const strict = refusal(row.schema, true)
      return difference(
        row.case,
        { lenient: lenient === undefined, strict: strict === undefined },
        { lenient: row.javaLenient, strict: row.javaStrict },
      )
    })
  })

  it('pairs that do not parse', () => {
    expectAll('avro-invalid', rowsOf<InvalidRow>('avro-invalid.json'), 9, (row) => {
      const refusals = [row.reader, row.writer].map((schema) => refusal(JSON.stringify(schema), false))
      return difference(row.id, { refusal: refusals.find(Boolean) }, { refusal: row.javaParseError })
    })
  })
})
