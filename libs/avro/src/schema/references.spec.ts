import { describe, expect, it } from 'vitest'
import { checkCompatibility } from '../compatibility/compatibility.ts'
import { avroType } from '../codec/avro-type.ts'
import { md5, uuidText } from '../md5.ts'
import { canonicalSchema } from './canonical.ts'
import { normalizedText } from './normalize.ts'
import { parseSchema } from './parse-schema.ts'
import { parsingCanonicalForm } from './parsing-canonical-form.ts'
import { normalizedReferences, type ReferencedVersion, resolveReferences } from './references.ts'
import { schemaGuid } from './schema-guid.ts'

const COUNTRY = '{"type":"enum","name":"Country","namespace":"geo","symbols":["AT","CH"]}'
const ADDRESS =
  '{"type":"record","name":"Address","namespace":"geo","fields":[{"name":"street","type":"string"},{"name":"country","type":"Country"}]}'
const ORDER =
  '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"to","type":"geo.Address"},{"name":"from","type":["null","geo.Country"],"default":null}]}'

const country = { name: 'geo.Country', subject: 'country', version: 1 }
const address = { name: 'geo.Address', subject: 'address', version: 2 }

const VERSIONS: readonly ReferencedVersion[] = [
  { subject: 'country', version: 1, schema: COUNTRY, references: [] },
  { subject: 'country', version: 2, schema: COUNTRY.replace('"CH"', '"CH","DE"'), references: [] },
  { subject: 'address', version: 2, schema: ADDRESS, references: [country] },
]

function find({ subject, version }: { subject: string; version: number }): ReferencedVersion | undefined {
  return VERSIONS.findLast((one) => one.subject === subject && (version === -1 || one.version === version))
}

describe('the schemas that references need', () => {
  it('come in the order in which they depend on each other, each once', () => {
    const { texts, references } = resolveReferences([address, country], find, { subject: 'order' })
    expect(texts).toEqual([COUNTRY, ADDRESS])
    expect(references).toEqual([address, country])
  })

  it('-1 becomes the newest version', () => {
    const { references } = resolveReferences([{ ...address, version: -1 }], find, { subject: 'order' })
    expect(references).toEqual([address])
  })

  it('the version that is met first counts, unless versions are strict', () => {
    const twice = [address, { ...country, version: 2 }]
    expect(resolveReferences(twice, find, { subject: 'order' }).texts).toEqual([COUNTRY, ADDRESS])
    expect(() => resolveReferences(twice, find, { subject: 'order', strictVersions: true })).toThrow(
      'Conflicting reference versions for "geo.Country": version 1 and version 2',
    )
  })

  it('one that does not exist is refused by name', () => {
    expect(() => resolveReferences([{ ...country, version: 9 }], find, { subject: 'order' })).toThrow(
      'No schema reference found for subject "country" and version 9',
    )
  })

  it('circles end, and more than the limit is refused', () => {
    const circular = (reference: { name: string; subject: string }): ReferencedVersion => ({
      subject: reference.subject,
      version: 1,
      schema: COUNTRY,
      references: [{ name: 'geo.Country', subject: 'country', version: 1 }],
    })
    expect(resolveReferences([country], circular, { subject: 'order' }).texts).toEqual([COUNTRY])
    let next = 0
    const endless = (): ReferencedVersion => ({
      subject: 's',
      version: 1,
      schema: COUNTRY,
      references: [{ name: `n${++next}`, subject: 's', version: 1 }],
    })
    expect(() => resolveReferences([country], endless, { subject: 'order' })).toThrow('needs more than 256')
  })
})

describe('a schema that references others', () => {
  const { texts, references } = resolveReferences([address], find, { subject: 'order' })
  const order = parseSchema(ORDER, { strict: true, references: texts })

  it('is printed with the names of what it references', () => {
    expect(canonicalSchema(order)).toBe(
      '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"to","type":"geo.Address"},{"name":"from","type":["null","geo.Country"],"default":null}]}',
    )
    expect(canonicalSchema({ root: order.root })).toContain('"symbols":["AT","CH"]')
    expect(parsingCanonicalForm(order)).toContain('"symbols":["AT","CH"]')
  })

  it('is refused without them', () => {
    expect(() => parseSchema(ORDER)).toThrow('Undefined schema: geo.Address')
  })

  it('is normalised without writing them out', () => {
    const normalized = parseSchema(normalizedText(order), { strict: true, references: texts })
    expect(canonicalSchema(normalized)).toBe(canonicalSchema(order))
    const b = { name: 'b', subject: 'a', version: 10 }
    const a = { name: 'a', subject: 'a', version: 2 }
    expect(normalizedReferences([address, b, a, b, address])).toEqual([a, b, address])
  })

  it('is known by its text, references, metadata and rules', () => {
    const canonical = canonicalSchema(order)
    const plain = schemaGuid(canonical)
    expect(plain).toBe(uuidText(md5(canonical)))
    const referenced = schemaGuid(canonical, { references })
    expect(referenced).toBe(uuidText(md5(canonical, 'geo.Address', 'address', Buffer.of(0, 0, 0, 2))))
    const metadata = { properties: { b: '2', a: '1' }, tags: { 'Order.to': ['PII', 'A'] }, sensitive: ['x'] }
    expect(schemaGuid(canonical, { metadata })).toBe(
      uuidText(md5(canonical, Buffer.of(1), 'Order.to', 'A', 'PII', 'a', '1', 'b', '2', 'x')),
    )
    expect(schemaGuid(canonical, { metadata: {} })).not.toBe(plain)
    const ruleSet = {
      domainRules: [{ name: 'r', kind: 'CONDITION', expr: 'true', params: { z: '1' }, disabled: true }],
    }
    expect(schemaGuid(canonical, { ruleSet })).toBe(
      uuidText(md5(canonical, Buffer.of(1), 'r', 'CONDITION', 'WRITEREAD', 'z', '1', 'true', Buffer.of(1))),
    )
  })

  it('is compared as a whole', () => {
    const wider = [COUNTRY.replace('"CH"', '"CH","DE"'), ADDRESS]
    const next = parseSchema(ORDER, { references: wider })
    expect(checkCompatibility(next, order).compatible).toBe(true)
    expect(checkCompatibility(order, next).incompatibilities.map(({ type, path }) => `${type} ${path}`)).toEqual([
      'MISSING_ENUM_SYMBOLS /fields/0/type/fields/1/type/symbols',
      'MISSING_UNION_BRANCH /fields/1/type/1',
    ])
  })

  it('writes and reads values', () => {
    const type = avroType(order)
    const value = { to: { street: 'Ring 1', country: 'AT' }, from: null }
    expect(type.decode(type.encode(value))).toEqual(value)
    const other = avroType(parseSchema(ORDER, { references: [COUNTRY.replace('"CH"', '"CH","DE"'), ADDRESS] }))
    expect(other.schema).toBe(type.schema)
    expect(other.fingerprint).not.toBe(type.fingerprint)
  })

  it('takes the definition it references, not its own equal one', () => {
    const text = COUNTRY.replace('"symbols"', '"doc":"mine","symbols"')
    expect(canonicalSchema(parseSchema(text, { references: [COUNTRY] }))).toBe('"geo.Country"')
    const different = COUNTRY.replace('"CH"', '"DE"')
    expect(() => parseSchema(different, { references: [COUNTRY] })).toThrow("Can't redefine: geo.Country")
  })
})
