import * as fc from 'fast-check'
import { gzipSync } from 'node:zlib'
import { crc32c } from '@keyfold/bytes'
import { describe, expect, it } from 'vitest'
import { decodeRecordBatches, decodeRecords } from './record-batch-decoder.ts'
import { encodeRecordBatch } from './record-batch-encoder.ts'

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
const record = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.dictionary(
    fc.string({ minLength: 1, maxLength: 10 }).filter((name) => name !== '__proto__'),
    bytes,
    {
      maxKeys: 4,
      noNullPrototype: true,
    },
  ),
  timestampMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
})
const source = { topic: 't', partition: 3 }
const producer = { producerId: 2 ** 40 + 7, producerEpoch: 3, baseSequence: 12 }

describe('record batches', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), (records) => {
        const [batch, ...rest] = decodeRecordBatches(encodeRecordBatch(records, producer, 0), source)
        if (batch === undefined) throw new Error('the batch is gone')
        expect(rest).toEqual([])
        expect(batch).toMatchObject({ producerId: producer.producerId, transactional: true, control: false })
        const decoded = decodeRecords(batch, 0)
        const plain = decoded.map(({ headers, ...rest }) => ({ ...rest, headers }))
        expect(plain).toEqual(records.map((each, offset) => ({ ...source, ...each, offset })))
        for (const [index, { headers }] of records.entries())
          for (const name of [...Object.keys(headers), 'absent', ''])
            expect(decoded[index]?.headerText(name)).toBe(headers[name]?.toString())
      }),
    )
  })

  it('are left out when they are cut off, and refused when a byte is wrong', () => {
    const whole = encodeRecordBatch([{ key: null, value: Buffer.from('value') }], producer, 0)
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        expect(decodeRecordBatches(Buffer.concat([whole, whole.subarray(0, at)]), source)).toHaveLength(1)
        const broken = Buffer.from(whole)
        broken[at] = (broken[at] ?? 0) ^ change
        // The offset, the length and the leader's epoch are outside of the checksum.
        if (at >= 16) expect(() => decodeRecordBatches(broken, source)).toThrow(/offset 0/)
      }),
    )
  })

  it('are read when they are compressed with gzip, and refused with a name when with lz4', () => {
    const plain = encodeRecordBatch([{ key: null, value: Buffer.from('value') }], producer, 0)
    const [batch] = decodeRecordBatches(
      recoded(plain, 1, (records) => gzipSync(records)),
      source,
    )
    expect(batch === undefined ? [] : decodeRecords(batch, 0)).toMatchObject([{ value: Buffer.from('value') }])
    const unknown = recoded(plain, 7, (records) => records)
    expect(() => decodeRecordBatches(unknown, source)).toThrow(
      expect.objectContaining({ code: 'COMPRESSION_UNSUPPORTED' }),
    )
  })
})

/** The same batch with its records packed in another way. */
function recoded(batch: Buffer, codec: number, pack: (records: Buffer) => Buffer): Buffer {
  const made = Buffer.concat([batch.subarray(0, 61), pack(batch.subarray(61))])
  made.writeInt32BE(made.length - 12, 8)
  made.writeInt16BE(made.readInt16BE(21) | codec, 21)
  made.writeUInt32BE(crc32c(made.subarray(21)), 17)
  return made
}
