import { describe, expect, it } from 'vitest'
import { avroType } from './avro-type.ts'
import { encodeWire, guidHeader } from './wire-format.ts'
import { WireReader, type WriterKey } from './wire-reader.ts'

const schema = (name: string, ...fields: readonly object[]) => avroType({ type: 'record', name, fields })
const amount = { name: 'amount', type: 'long' }
const v1 = schema('bank.Deposited', amount)
const v2 = schema('bank.Deposited', amount, { name: 'memo', type: 'string', default: '' })
const other = schema('bank.Closed')

function registry() {
  const asked: WriterKey[] = []
  const fetch = async (key: WriterKey) => {
    asked.push(key)
    if ('guid' in key) return key.guid === v1.fingerprint ? v1 : undefined
    return [undefined, v1, v2, other][key.schemaId]
  }
  return { asked, fetch }
}

describe('values of many versions', () => {
  const one = { value: encodeWire(1, v1.encode({ amount: 1n })) }
  const two = { value: encodeWire(2, v2.encode({ amount: 2n, memo: 'x' })) }

  it('are read as the newest, and every schema is fetched once for a whole batch', async () => {
    const { asked, fetch } = registry()
    const reader = new WireReader([v2], fetch)
    await Promise.all([reader.prepare([one, two, one]), reader.prepare([one])])
    await reader.prepare([two])
    expect(asked).toEqual([{ schemaId: 1 }, { schemaId: 2 }])
    expect([one, two, one].map((value) => reader.read(value).value)).toEqual([
      { amount: 1n, memo: '' },
      { amount: 2n, memo: 'x' },
      { amount: 1n, memo: '' },
    ])
    expect(reader.read(one).writer).toBe(v1)
  })

  it('may name their schema by a guid in a header, with nothing before the body', async () => {
    const reader = new WireReader([v2], registry().fetch)
    const named = { value: v1.encode({ amount: 3n }), header: guidHeader(v1.fingerprint) }
    await reader.prepare([named])
    expect(reader.read(named).value).toEqual({ amount: 3n, memo: '' })
  })

  it('are found under an old name of the reader', async () => {
    const renamed = avroType({ type: 'record', name: 'bank.PaidIn', aliases: ['Deposited'], fields: [amount] })
    const reader = new WireReader([renamed], registry().fetch)
    await reader.prepare([one])
    expect(reader.read(one)).toMatchObject({ reader: renamed, value: { amount: 1n } })
  })

  it('that nobody can read say why', async () => {
    const { asked, fetch } = registry()
    const reader = new WireReader([v2], fetch)
    const closed = { value: encodeWire(3, Buffer.alloc(0)) }
    const lost = { value: encodeWire(9, Buffer.alloc(0)) }
    const foreign = { value: Buffer.from('{}') }
    await reader.prepare([closed, lost, foreign])
    const code = (expected: string) => expect.objectContaining({ code: expected })
    expect(() => reader.read(closed)).toThrow(code('AVRO_READER_UNKNOWN'))
    expect(() => reader.read(lost)).toThrow(code('AVRO_WRITER_UNKNOWN'))
    expect(() => reader.read(foreign)).toThrow(code('AVRO_WIRE_FORMAT'))
    // What does not exist yet is asked for again.
    await reader.prepare([lost])
    expect(asked.filter((key) => 'schemaId' in key && key.schemaId === 9)).toHaveLength(2)
  })

  it('wait for a fetch that failed, and try it again', async () => {
    let fails = true
    const reader = new WireReader([v2], async () => {
      if (fails) throw new Error('no route')
      return v1
    })
    await expect(reader.prepare([one])).rejects.toThrow('no route')
    fails = false
    await reader.prepare([one])
    expect(reader.read(one).value).toEqual({ amount: 1n, memo: '' })
  })
})
