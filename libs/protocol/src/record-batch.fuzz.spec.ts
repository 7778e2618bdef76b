import { MalformedBytes } from '@keyfold/bytes'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UnsupportedCompression } from './compression.ts'
import { buildRecordBatch } from './record-batch-builder.ts'
import { hasValidCrc } from './record-batch-edit.ts'
import { batchHeaders, readBatchHeader } from './record-batch-header.ts'
import { readRecords } from './record-reader.ts'

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }).map((content) => Buffer.from(content)))
const record = fc.record({
  key: bytes,
  value: bytes,
  timestamp: fc.integer({ min: -1, max: 2 ** 45 }),
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 8 }), value: bytes }), { maxLength: 3 }),
})

describe('any records', () => {
  it('come back from the batch that they were built into', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), fc.nat({ max: 2 ** 50 }), (records, baseOffset) => {
        const batch = buildRecordBatch({ records, baseOffset })
        expect(hasValidCrc(batch)).toBe(true)
        expect([...readRecords(batch)]).toEqual(
          records.map((given, index) => ({ ...given, offset: baseOffset + index })),
        )
      }),
    )
  })
})

describe('any bytes', () => {
  it('in place of a batch are read or refused with MalformedBytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (content) => {
        const random = Buffer.from(content)
        if (random.length > 16) random[16] = 2
        expectOnlyMalformed(() => readBatchHeader(random))
        expectOnlyMalformed(() => [...batchHeaders(random)])
        expectOnlyMalformed(() => hasValidCrc(random))
      }),
      { numRuns: 2000 },
    )
  })

  it('written over a batch never make reading it get out of hand', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 4 }),
        (records, at, damage) => {
          const batch = buildRecordBatch({ records })
          batch.set(damage.subarray(0, batch.length), at % Math.max(batch.length - damage.length, 1))
          expectOnlyMalformed(() => [...readRecords(batch)])
        },
      ),
      { numRuns: 3000 },
    )
  })
})

function expectOnlyMalformed(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof UnsupportedCompression)) expect(error).toBeInstanceOf(MalformedBytes)
  }
}
