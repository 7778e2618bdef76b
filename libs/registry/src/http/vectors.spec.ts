import type { CompatibilityLevel } from '@keyfold/avro'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { RegistryUnderTest } from '../testing/registry-under-test.ts'

/**
 * The rows that @keyfold/avro is tested with, computed with Avro Java and Confluent's registry, sent through the API.
 * All rows run; the numbers are printed, and asserted so that a file that is cut short does not pass.
 */
function rowsOf<Row>(file: string): readonly Row[] {
  return JSON.parse(readFileSync(new URL(`../../../avro/src/testdata/${file}`, import.meta.url), 'utf8')) as Row[]
}

/** So many rows are under way at once. */
const LANES = 16

async function expectAll<Row>(
  name: string,
  rows: readonly Row[],
  count: number,
  check: (row: Row, subject: string) => Promise<readonly [is: unknown, expected: unknown]>,
): Promise<void> {
  const failures: object[] = []
  const queue = [...rows.entries()]
  const lane = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [index, row] = next
      const [is, expected] = await check(row, `${name}-${index}`)
      if (JSON.stringify(is) !== JSON.stringify(expected)) failures.push({ row, is, expected })
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  console.log(`REST ${name}: ${rows.length - failures.length} of ${rows.length} rows pass`)
  expect(failures).toEqual([])
  expect(rows).toHaveLength(count)
}

let registry: RegistryUnderTest

/** Lenient, as registries are with what is stored: the rows are about more than new schemas. */
beforeEach(async () => {
  registry = await RegistryUnderTest.start()
  await registry.call('PUT', '/config/:.__GLOBAL:', { compatibility: 'NONE', validateNewSchemas: false })
})

afterEach(() => registry.close())

const text = (schema: unknown) => JSON.stringify(schema)

async function configure(subject: string, level: CompatibilityLevel): Promise<void> {
  await registry.call('PUT', `/config/${subject}`, { compatibility: level })
}

interface Test {
  readonly is_compatible: boolean
  readonly messages: readonly string[]
}

async function test(subject: string, version: string, schema: unknown): Promise<Test> {
  const path = `/compatibility/subjects/${subject}/versions${version}?verbose=true`
  return (await registry.call('POST', path, { schema: text(schema) })).body as Test
}

describe('computed with Avro Java, over REST', () => {
  it('canonical string and guid, as they are and normalized', async () => {
    interface Row {
      readonly schema: string
      readonly canonical: string
      readonly guid: string
      readonly normalizedCanonical: string
      readonly normalizedGuid: string
    }
    await expectAll('avro-canonical', rowsOf<Row>('avro-canonical.json'), 377, async (row, subject) => {
      const asIs = await registry.register(subject, row.schema)
      const normalized = await registry.register(`${subject}-n`, row.schema, {}, '?normalize=true')
      const { text: raw } = await registry.call('GET', `/subjects/${subject}/versions/1/schema`)
      const found = (await registry.call('POST', `/subjects/${subject}`, { schema: row.canonical })).body
      return [
        [
          asIs['schema'],
          asIs['guid'],
          raw,
          (found as { version?: number }).version,
          normalized['schema'],
          normalized['guid'],
        ],
        [row.canonical, row.guid, row.canonical, 1, row.normalizedCanonical, row.normalizedGuid],
      ]
    })
  })

  it('compatibility of pairs: verdict, error types and paths, and the refusal of a registration', async () => {
    interface Row {
      readonly reader: unknown
      readonly writer: unknown
      readonly compatible: boolean
      readonly errorDetails?: readonly { readonly type: string; readonly path: string; readonly message: string }[]
      readonly exception?: string
    }
    await expectAll('avro-compatibility', rowsOf<Row>('avro-compatibility.json'), 506, async (row, subject) => {
      await registry.register(subject, text(row.writer))
      await configure(subject, 'BACKWARD')
      const { is_compatible: isCompatible, messages } = await test(subject, '/latest', row.reader)
      const registered = await registry.register(subject, text(row.reader))
      const errors = messages.flatMap(
        (message) => /^\{errorType:'(\w+)'.*path '(\S*?)'.*additionalInfo:'(.*)'\}$/s.exec(message)?.slice(1) ?? [],
      )
      const exception = messages.find((message) => message.startsWith('Unexpected exception'))
      const details = row.errorDetails ?? []
      return [
        [isCompatible, registered['error_code'] === 409, errors, exception],
        [
          row.compatible,
          !row.compatible,
          row.exception === undefined ? details.flatMap(({ type, path, message }) => [type, path, message]) : [],
          // The class of the exception is Java's, and not part of what it says.
          row.exception?.replace(/^\w+: /, 'Unexpected exception during compatibility check: '),
        ],
      ]
    })
  })

  it('compatibility levels against a history: verdict and first failing version', async () => {
    interface Row {
      readonly level: CompatibilityLevel
      readonly schema: unknown
      readonly previous: readonly unknown[]
      readonly compatible: boolean
      readonly firstFailingVersion?: number
      readonly failingDirections?: readonly string[]
    }
    await expectAll(
      'avro-compatibility-levels',
      rowsOf<Row>('avro-compatibility-levels.json'),
      194,
      async (row, subject) => {
        // A history may have a schema twice, which only an import can make two versions of.
        await registry.call('PUT', `/mode/:.${subject}:`, { mode: 'IMPORT' })
        const name = `:.${subject}:s`
        for (const [index, schema] of row.previous.entries()) {
          await registry.register(name, text(schema), { id: index + 1, version: index + 1 })
        }
        await registry.call('PUT', `/mode/:.${subject}:`, { mode: 'READWRITE' })
        await configure(name, row.level)
        const { is_compatible: isCompatible, messages } = await test(name, '', row.schema)
        const failing = messages.map((message) => /^\{oldSchemaVersion: (\d+)\}$/.exec(message)?.[1]).find(Boolean)
        const namesVersion = !row.level.startsWith('FULL') || row.failingDirections?.includes('BACKWARD')
        return [
          [isCompatible, failing === undefined ? undefined : Number(failing)],
          [row.compatible, namesVersion ? row.firstFailingVersion : undefined],
        ]
      },
    )
  })

  it('which schemas are accepted as new and as stored ones', async () => {
    interface Row {
      readonly schema: string
      readonly javaLenient: boolean
      readonly javaStrict: boolean
    }
    await expectAll('avro-parse', rowsOf<Row>('avro-parse.json'), 57, async (row, subject) => {
      await registry.call('PUT', `/config/${subject}-new`, { validateNewSchemas: true })
      const strict = await registry.register(`${subject}-new`, row.schema)
      const lenient = await registry.register(subject, row.schema)
      return [
        [lenient['error_code'] ?? 200, strict['error_code'] ?? 200],
        [row.javaLenient ? 200 : 42201, row.javaStrict ? 200 : 42201],
      ]
    })
  })

  it('pairs that do not parse', async () => {
    interface Row {
      readonly reader: unknown
      readonly writer: unknown
      readonly javaParseError: string
    }
    await expectAll('avro-invalid', rowsOf<Row>('avro-invalid.json'), 9, async (row, subject) => {
      const answers = [
        await registry.register(subject, text(row.reader)),
        await registry.register(subject, text(row.writer)),
      ]
      const refused = answers.find((answer) => answer['error_code'] !== undefined)
      return [
        [refused?.['error_code'], refused?.['message']],
        [42201, `Invalid schema of type AVRO, details: ${row.javaParseError}`],
      ]
    })
  })
})
