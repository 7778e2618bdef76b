import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkCompatibility } from '../compatibility/compatibility.ts'
import { AvroError } from '../errors.ts'
import { parseSchema } from '../schema/parse-schema.ts'
import { branchName, type SchemaNode } from '../schema/schema-node.ts'
import { avroType } from './avro-type.ts'
import { logicalValueOf } from './logical-values.ts'
import { unionShape } from './union-shape.ts'

interface Row {
  readonly id: string
  readonly reader: unknown
  readonly writer: unknown
}

const rows = JSON.parse(
  readFileSync(new URL('../testdata/avro-compatibility.json', import.meta.url), 'utf8'),
) as readonly Row[]

/** Some value of a type; `seed` walks through the branches of unions and the symbols of enums. */
function sampleOf(node: SchemaNode, seed: number, depth = 0): unknown {
  const stored = storedSample(node, seed, depth)
  return logicalValueOf(node)?.toValue(stored) ?? stored
}

function storedSample(node: SchemaNode, seed: number, depth: number): unknown {
  switch (node.kind) {
    case 'record':
      return Object.fromEntries(
        node.fields.map(({ name, type }, index) => [name, sampleOf(type, seed + index, depth + 1)]),
      )
    case 'enum':
      return node.symbols[seed % node.symbols.length]
    case 'array':
      return depth > 5 ? [] : [sampleOf(node.items, seed, depth + 1), sampleOf(node.items, seed + 1, depth + 1)]
    case 'map':
      return depth > 5 ? {} : { key: sampleOf(node.values, seed, depth + 1) }
    case 'fixed':
      return Buffer.alloc(node.size, seed)
    case 'union': {
      const branch =
        (depth > 5 && node.branches.find(({ kind }) => kind === 'null')) || node.branches[seed % node.branches.length]
      if (!branch) return undefined
      const value = sampleOf(branch, seed, depth + 1)
      return branch.kind === 'null' || unionShape(node) === 'plain' ? value : { [branchName(branch)]: value }
    }
    default:
      return PRIMITIVES[node.kind]
  }
}

const PRIMITIVES = {
  null: null,
  boolean: true,
  int: 7,
  long: 7n,
  float: 0.5,
  double: 0.5,
  string: '095d71cf-1255-6b9d-5e33-0ad575b3df5d', // Fits the logical type too.
  bytes: Buffer.from('x'),
} as const

/** Unions and enums without members have no values, and neither have records that always contain themselves. */
function isEmpty(error: unknown): boolean {
  if (error instanceof RangeError) return true
  return error instanceof AvroError && error.code === 'AVRO_SCHEMA_UNSUPPORTED'
}

describe('what the checker calls compatible, the codec reads', () => {
  it('for every pair of the test data, and what it read can be written again', () => {
    const counts = { read: 0, refused: 0, empty: 0 }
    for (const row of rows) {
      const reader = avroType(parseSchema(JSON.stringify(row.reader)))
      const writer = avroType(parseSchema(JSON.stringify(row.writer)))
      const { compatible } = checkCompatibility(reader.parsed, writer.parsed)
      try {
        if (compatible) {
          for (let seed = 0; seed < 6; seed++) {
            const value = reader.readerOf(writer)(writer.encode(sampleOf(writer.parsed.root, seed)))
            // What others wrote may have more digits than the reader's decimal allows: readable, not writable.
            if (!reader.schema.includes('"decimal"')) expect(reader.decode(reader.encode(value)), row.id).toEqual(value)
          }
          counts.read++
        } else {
          expect(() => reader.readerOf(writer), row.id).toThrow(expect.objectContaining({ code: 'AVRO_CANNOT_READ' }))
          counts.refused++
        }
      } catch (error) {
        if (!isEmpty(error)) throw new Error(row.id, { cause: error })
        counts.empty++
      }
    }
    console.log(`pairs read: ${counts.read}, refused: ${counts.refused}, without values: ${counts.empty}`)
    expect(counts).toEqual({ read: 280, refused: 216, empty: 10 })
  })
})
