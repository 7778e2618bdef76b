import { describe, expect, it } from 'vitest'
import { visibleRecords } from './visible-records.ts'
import { decodeRecordBatches, type RecordBatch } from './record-batch-decoder.ts'
import { encodeRecordBatch } from './record-batch-encoder.ts'

/** A batch of one transactional record, moved to an offset. */
function data(offset: number, producerId: number, key?: Buffer): RecordBatch {
  const bytes = encodeRecordBatch(
    [{ key: key ?? null, value: Buffer.from(`${offset}:${producerId}`) }],
    { producerId, producerEpoch: 0, baseSequence: 0 },
    0,
  )
  const [batch] = decodeRecordBatches(bytes, { topic: 't', partition: 0 })
  if (batch === undefined) throw new Error('the batch is gone')
  return { ...batch, baseOffset: offset, lastOffset: offset }
}

/** A control batch: key {version 0, type}; 0 aborts, 1 commits. */
function marker(offset: number, producerId: number, type: 'abort' | 'commit'): RecordBatch {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1])
  return { ...data(offset, producerId, key), control: true }
}

const seen = (...parameters: Parameters<typeof visibleRecords>) =>
  visibleRecords(...parameters).records.map(({ value }) => value?.toString())

describe('what a reader may see', () => {
  it('is everything but markers, when it reads uncommitted', () => {
    const batches = [data(0, 1), data(1, 2), marker(2, 1, 'abort'), marker(3, 2, 'commit')]
    expect(seen(batches, [{ producerId: 1, firstOffset: 0 }], 0, 'uncommitted')).toEqual(['0:1', '1:2'])
  })

  it('leaves out several aborted transactions that were open before the first offset', () => {
    // kafkajs 2.2.4 hands 20:2 out here: it notes at most one aborted transaction per record.
    const aborted = [
      { producerId: 1, firstOffset: 10 },
      { producerId: 2, firstOffset: 12 },
    ]
    const batches = [data(20, 2), data(21, 1), marker(22, 1, 'abort'), marker(23, 2, 'abort'), data(24, 2)]
    expect(seen(batches, aborted, 20, 'committed')).toEqual(['24:2'])
  })

  it('does not depend on the order in which the broker lists aborted transactions', () => {
    const aborted = [
      { producerId: 2, firstOffset: 1 },
      { producerId: 1, firstOffset: 0 },
    ]
    const batches = [data(0, 1), data(1, 2), marker(2, 2, 'abort'), data(3, 1), marker(4, 1, 'abort'), data(5, 3)]
    expect(seen(batches, aborted, 0, 'committed')).toEqual(['5:3'])
  })

  it('ends an abort at the marker, so a later transaction of the same producer is seen', () => {
    const aborted = [
      { producerId: 1, firstOffset: 0 },
      { producerId: 1, firstOffset: 6 },
    ]
    const batches = [data(0, 1), marker(1, 1, 'abort'), data(2, 1), marker(3, 1, 'commit'), data(6, 1)]
    expect(seen(batches, aborted, 0, 'committed')).toEqual(['2:1'])
  })

  it('takes a record with the key of an abort marker for what it is: data', () => {
    // kafkajs 2.2.4 ends the abort at offset 1 here and hands 2:1 out.
    const batches = [
      data(0, 1),
      data(1, 1, Buffer.alloc(4)),
      data(2, 1),
      marker(3, 1, 'abort'),
      data(4, 1, Buffer.alloc(4)),
    ]
    expect(seen(batches, [{ producerId: 1, firstOffset: 0 }], 0, 'committed')).toEqual(['4:1'])
  })

  it('shows records outside of transactions, whoever wrote them', () => {
    const plain = { ...data(0, 1), transactional: false }
    expect(seen([plain], [{ producerId: 1, firstOffset: 0 }], 0, 'committed')).toEqual(['0:1'])
  })

  it('moves the position past batches of which nothing is seen', () => {
    const batches = [data(7, 1), marker(8, 1, 'abort')]
    expect(visibleRecords(batches, [{ producerId: 1, firstOffset: 7 }], 7, 'committed')).toEqual({
      records: [],
      position: 9,
    })
    expect(visibleRecords([], [], 7, 'committed').position).toBe(7)
  })
})
