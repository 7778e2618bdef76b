import { crc32c } from '@keyfold/bytes'
import { buildRecordBatch, readRecords } from '@keyfold/protocol'
import { assert, constantFrom, integer, array, property, record, tuple, uint8Array } from 'fast-check'
import { describe, expect, it } from 'vitest'

import { isRefusal, validateBatch } from './batch-validation.ts'
import { defaultPartitionConfig } from './partition-config.ts'

const context = {
  config: { ...defaultPartitionConfig, timestampAfterMaxMs: Infinity },
  compressors: {},
  nowMs: 0,
  apiVersion: 9,
}

const bytes = uint8Array({ maxLength: 20 }).map((value) => Buffer.from(value))
const records = array(
  record({
    key: bytes,
    value: bytes,
    headers: array(record({ key: constantFrom('', 'id', 'type'), value: bytes }), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 5 },
)

describe('validation of arbitrary batches', () => {
  it('accepts every batch that is built as it should be', () => {
    assert(
      property(records, (content) => {
        expect(isRefusal(validateBatch(buildRecordBatch({ records: content }), context))).toBe(false)
      }),
    )
  })

  it('never throws, and accepts only what can be read to the last record', () => {
    const changes = array(tuple(integer({ min: 0, max: 10_000 }), integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    })
    assert(
      property(records, changes, (content, places) => {
        const batch = buildRecordBatch({ records: content })
        for (const [place, value] of places) batch.writeUInt8(value, place % batch.length)
        // With the checksum put right, as a faulty client would.
        batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
        const result = validateBatch(batch, context)
        if (isRefusal(result) || result.compression !== 0) return
        expect([...readRecords(batch)]).toHaveLength(result.recordCount)
      }),
      { numRuns: 2000 },
    )
  })

  it('never throws on bytes that are no batch at all', () => {
    assert(
      property(uint8Array({ maxLength: 200 }), (noise) => {
        validateBatch(Buffer.from(noise), context)
      }),
    )
  })
})
