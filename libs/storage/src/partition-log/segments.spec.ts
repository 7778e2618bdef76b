import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { buildRecordBatch, readBatchHeader, readRecords } from '@keyfold/protocol'
import { afterEach, describe, expect, it } from 'vitest'

import { eachBatch, MemoryFiles, NodeFiles, openStorage, type PartitionLog, type Storage } from '../index.ts'

const limits = {
  journalFileBytes: 262_144,
  firstJournalFileBytes: 262_144,
  // Nothing stays in memory once it is flushed: every read goes to the files.
  tailBytesMax: 0,
}
const open: Storage[] = []

afterEach(async () => {
  for (const storage of open.splice(0)) await storage.close().catch(() => {})
})

interface Started {
  files: MemoryFiles
  storage: Storage
  log: PartitionLog
  warnings: string[]
}

async function start(files = new MemoryFiles(), overrides = {}): Promise<Started> {
  const warnings: string[] = []
  const log = {
    info: () => {},
    warn: (event: string, fields?: object) => warnings.push(`${event} ${JSON.stringify(fields)}`),
  }
  const storage = await openStorage({ files, onFatal: () => {}, log, limits: { ...limits, ...overrides } })
  open.push(storage)
  await storage.recover()
  if (storage.partitions.get('orders', 0) === undefined)
    storage.appendAtomic(storage.partitions.creation('orders', [0]))
  const partition = storage.partitions.get('orders', 0)
  if (partition === undefined) throw new Error('no partition')
  partition.configure({ segmentBytes: 2000, indexIntervalBytes: 200 })
  return { files, storage, log: partition, warnings }
}

/** Batch n has n % 3 + 1 records and the timestamp 1000 + n. */
function append({ storage, log }: Started, n: number): void {
  const records = Array.from({ length: (n % 3) + 1 }, () => ({ key: null, value: Buffer.from(`v${n}`.padEnd(40)) }))
  const batch = buildRecordBatch({ records, timestamp: 1000 + n })
  storage.appendAtomic([storage.partitions.batch(log, log.prepare(batch))])
}

async function filled(count: number): Promise<Started> {
  const started = await start()
  for (let n = 0; n < count; n++) append(started, n)
  await started.storage.checkpoint()
  return started
}

async function valueAt({ storage, log }: Started, offset: number): Promise<string | undefined> {
  const buffers = await storage.read(log, { offset, endOffset: log.logEndOffset, maxBytes: 1, minOneBatch: true })
  for (const batch of eachBatch(buffers)) {
    for (const record of readRecords(batch)) if (record.offset === offset) return String(record.value).trim()
  }
  return undefined
}

function expectedValues(count: number): string[] {
  return Array.from({ length: count }, (_, n) => Array.from({ length: (n % 3) + 1 }, () => `v${n}`)).flat()
}

const directory = 'topics/orders-0'

describe('segments', () => {
  it('have the layout and the names of Kafka, batch after batch', async () => {
    const { files, log } = await filled(60)
    const names = files.paths().filter((path) => path.startsWith(directory))
    const bases = log.segments.map(({ baseOffset }) => String(baseOffset).padStart(20, '0'))
    expect(bases.length).toBeGreaterThan(3)
    expect(names).toEqual(
      bases.flatMap((base) => ['index', 'log', 'timeindex'].map((kind) => `${directory}/${base}.${kind}`)),
    )
    let offset = 0
    for (const base of bases) {
      const bytes = files.bytesOf(`${directory}/${base}.log`)
      expect(bytes.length).toBeLessThanOrEqual(2000)
      for (const batch of eachBatch([bytes])) {
        expect(readBatchHeader(batch).baseOffset).toBe(offset)
        offset = readBatchHeader(batch).lastOffset + 1
      }
    }
    expect(offset).toBe(log.logEndOffset)
  })

  it('have index entries that name a batch by its last offset and its position', async () => {
    const { files, log } = await filled(60)
    const base = log.segments[1]?.baseOffset ?? 0
    const name = `${directory}/${String(base).padStart(20, '0')}`
    const [bytes, index, times] = [`${name}.log`, `${name}.index`, `${name}.timeindex`].map((path) =>
      files.bytesOf(path),
    )
    if (bytes === undefined || index === undefined || times === undefined) throw new Error('no files')
    expect(index.length).toBeGreaterThan(8)
    for (let at = 0; at < index.length; at += 8) {
      const header = readBatchHeader(bytes, index.readInt32BE(at + 4))
      expect(header.lastOffset).toBe(base + index.readInt32BE(at))
    }
    for (let at = 0; at < times.length; at += 12) {
      const timestamp = Number(times.readBigInt64BE(at))
      const offset = base + times.readInt32BE(at + 8)
      const batch = [...eachBatch([bytes])].find((candidate) => readBatchHeader(candidate).lastOffset === offset)
      expect(readBatchHeader(batch ?? Buffer.alloc(0)).maxTimestamp).toBe(timestamp)
    }
    // The last entry of a closed segment is its newest timestamp.
    expect(Number(times.readBigInt64BE(times.length - 12))).toBe(log.segments[1]?.maxTimestamp)
  })

  it.each(['as written', 'without index files', 'with index files full of zeros', 'with index files full of rubbish'])(
    'are read at every offset, %s',
    async (how) => {
      const { files } = await filled(60)
      const disk = files.crash('drop')
      for (const path of disk.paths()) {
        if (!path.endsWith('index')) continue
        if (how === 'without index files') await disk.remove(path)
        if (how.endsWith('zeros')) disk.replace(path, Buffer.alloc(disk.bytesOf(path).length))
        if (how.endsWith('rubbish'))
          disk.replace(path, Buffer.from(disk.bytesOf(path).map((byte, at) => (at % 8 === 7 ? byte + 5 : byte))))
      }
      const started = await start(disk)
      const values = expectedValues(60)
      for (const [offset, value] of values.entries())
        expect(await valueAt(started, offset), `offset ${offset}`).toBe(value)
      expect(started.log.damage).toBeUndefined()
    },
  )

  it('are searched by time', async () => {
    const { storage, log } = await filled(60)
    for (let n = 0; n < 60; n += 7) {
      const batch = await storage.batchAtTime(log, { timestamp: 1000 + n, fromOffset: 0, endOffset: log.logEndOffset })
      expect(readBatchHeader(batch ?? Buffer.alloc(0)).maxTimestamp).toBe(1000 + n)
    }
    const late = { timestamp: 2000, fromOffset: 0, endOffset: log.logEndOffset }
    expect(await storage.batchAtTime(log, late)).toBeUndefined()
  })

  it('give whole batches up to the limits, the first one whatever its size if asked to', async () => {
    const { storage, log } = await filled(30)
    const read = async (maxBytes: number, minOneBatch: boolean, endOffset = log.logEndOffset) => {
      const buffers = await storage.read(log, { offset: 2, endOffset, maxBytes, minOneBatch })
      return [...eachBatch(buffers)].map((batch) => readBatchHeader(batch).baseOffset)
    }
    expect(await read(10, true)).toEqual([1])
    expect(await read(10, false)).toEqual([])
    expect(await read(400, false)).toEqual([1, 3])
    expect(await read(100_000, true, 6)).toEqual([1, 3])
    expect(await read(100_000, true, 7)).toEqual([1, 3, 6])
  })

  it('are verified: a flipped bit takes the partition offline and names file and position', async () => {
    const { files } = await filled(30)
    const path = `${directory}/00000000000000000000.log`
    const disk = files.crash('drop')
    const bytes = Buffer.from(disk.bytesOf(path))
    const second = readBatchHeader(bytes).sizeInBytes
    bytes.writeUInt8(bytes.readUInt8(second + 70) ^ 1, second + 70)
    disk.replace(path, bytes)
    const { storage, log, warnings } = await start(disk)
    const request = { offset: 0, endOffset: log.logEndOffset, maxBytes: 10_000, minOneBatch: true }
    const error = await storage.read(log, request).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'PARTITION_DAMAGED' })
    expect(String(error)).toContain(`${path} is damaged: checksum of the batch at byte ${second}`)
    expect(warnings.join()).toContain('partition.damaged')
    await expect(storage.read(log, request)).rejects.toMatchObject({ code: 'PARTITION_DAMAGED' })
  })

  it('that are shorter than the checkpoint says, or missing, take their partition offline at start', async () => {
    const { files } = await filled(30)
    const path = `${directory}/00000000000000000000.log`
    const short = files.clone().crash('drop')
    short.replace(path, short.bytesOf(path).subarray(0, -1))
    expect((await start(short)).log.damage).toMatchObject({ code: 'PARTITION_DAMAGED' })
    const missing = files.clone().crash('drop')
    missing.replace(path, Buffer.alloc(0))
    expect((await start(missing)).log.damage?.message).toContain(path)
  })

  it('lose their files after the checkpoint that follows their removal, not before', async () => {
    const started = await filled(60)
    const { files, storage, log } = started
    const [first, second] = log.segments.map(({ baseOffset }) => baseOffset)
    const path = `${directory}/${String(first).padStart(20, '0')}.log`
    storage.appendAtomic([storage.partitions.logStart(log, second ?? 0)])
    await storage.durable(storage.lastLsn)
    expect(files.paths()).toContain(path)
    await storage.checkpoint()
    expect(files.paths().filter((name) => name.startsWith(`${directory}/${String(first).padStart(20, '0')}`))).toEqual(
      [],
    )
    const again = await start(files.crash('drop'))
    expect(again.log.logStartOffset).toBe(second)
    expect(await valueAt(again, second ?? 0)).toBeDefined()
  })

  it('are cut to what the checkpoint knows when they are written again after a crash', async () => {
    const { files } = await filled(3)
    const path = `${directory}/00000000000000000000.log`
    const disk = files.crash('drop')
    const whole = Buffer.from(disk.bytesOf(path))
    disk.replace(path, Buffer.concat([whole, Buffer.alloc(1000, 'x')]))
    const again = await start(disk)
    append(again, 3)
    await again.storage.checkpoint()
    expect(disk.bytesOf(path).length).toBe(again.log.segments[0]?.sizeBytes)
    expect(disk.bytesOf(path).subarray(0, whole.length)).toEqual(whole)
  })

  it('are rolled by the age of their records', async () => {
    const started = await start()
    started.log.configure({ segmentBytes: 1_000_000, segmentMs: 10 })
    for (let n = 0; n < 30; n++) append(started, n)
    expect(started.log.segments.length).toBe(3)
  })

  it('are written without a checkpoint when much has come, and the tail then fits its budget', async () => {
    const started = await start(new MemoryFiles(), { flushBytes: 3000, tailBytesMax: 2000 })
    for (let n = 0; n < 100; n++) {
      append(started, n)
      await started.storage.durable(started.storage.lastLsn)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(started.log.tail.length).toBeLessThan(60)
    for (const [offset, value] of expectedValues(100).entries()) expect(await valueAt(started, offset)).toBe(value)
  })

  it('do not keep a large network buffer in memory for the sake of a small batch', async () => {
    const started = await start(new MemoryFiles(), { tailBytesMax: 100_000 })
    const batch = buildRecordBatch({ records: [{ key: null, value: Buffer.from('x') }], timestamp: 1 })
    const received = Buffer.alloc(65_536)
    batch.copy(received, 100)
    const { storage, log } = started
    storage.appendAtomic([storage.partitions.batch(log, log.prepare(received.subarray(100, 100 + batch.length)))])
    expect(log.tail.first?.bytes.buffer.byteLength).toBeLessThan(20_000)
  })

  it('are read on into what is still in memory', async () => {
    const started = await start(new MemoryFiles(), { tailBytesMax: 100_000 })
    started.log.configure({ segmentBytes: 100_000 })
    for (let n = 0; n < 3; n++) append(started, n)
    await started.storage.close()
    const again = await start(started.files, { tailBytesMax: 100_000 })
    again.log.configure({ segmentBytes: 100_000 })
    expect(again.log.tail.length).toBe(0)
    for (let n = 3; n < 6; n++) append(again, n)
    const { storage, log } = again
    const request = { offset: 0, endOffset: log.logEndOffset, minOneBatch: true }
    const read = async (maxBytes: number) => [...eachBatch(await storage.read(log, { ...request, maxBytes }))]
    const all = await read(100_000)
    expect(all.map((batch) => readBatchHeader(batch).baseOffset)).toEqual([0, 1, 3, 6, 7, 9])
    const firstFour = all.slice(0, 4).reduce((sum, { length }) => sum + length, 0)
    expect(await read(firstFour)).toHaveLength(4)
    expect(await read(firstFour - 1)).toHaveLength(3)
  })

  it('survive a full disk: nothing is lost, reading goes on, writing too when there is space again', async () => {
    const started = await start()
    for (let n = 0; n < 10; n++) append(started, n)
    await started.storage.durable(started.storage.lastLsn)
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
    for (const path of ['.log', '.index', 'checkpoint.tmp']) {
      started.files.failNext('write', full, path)
      await started.storage.checkpoint().catch((error: unknown) => expect(error).toBe(full))
      append(started, 10)
      await started.storage.durable(started.storage.lastLsn)
    }
    await started.storage.checkpoint()
    const values = [...expectedValues(10), ...Array.from({ length: 6 }, () => 'v10')]
    const again = await start(started.files.crash('drop'))
    for (const [offset, value] of values.entries()) expect(await valueAt(again, offset)).toBe(value)
  })

  it('statement 88: are never synced again after a failure, not even of a full disk: everything ends', async () => {
    const started = await start()
    append(started, 0)
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
    started.files.failNext('fdatasync', full, '.log')
    await expect(started.storage.checkpoint()).rejects.toBe(full)
    expect(started.storage.acceptsWrites).toBe(false)
    expect(() => append(started, 1)).toThrow('ENOSPC')
    const again = await start(started.files.crash('drop'))
    expect(await valueAt(again, 0)).toBe('v0')
  })
})

describe('a log on a real disk', () => {
  it('that was empty at the last checkpoint gets its directory when it is written', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'keyfold-empty-'))
    const run = async (work: (started: Started) => void): Promise<number> => {
      const storage = await openStorage({ files: new NodeFiles(directory), onFatal: () => {}, limits })
      await storage.recover()
      if (storage.partitions.get('orders', 0) === undefined)
        storage.appendAtomic(storage.partitions.creation('orders', [0]))
      const log = storage.partitions.get('orders', 0)
      if (log === undefined) throw new Error('no partition')
      work({ files: new MemoryFiles(), storage, log, warnings: [] })
      await storage.close()
      return log.logEndOffset
    }
    expect(await run(() => {})).toBe(0)
    expect(await run((started) => append(started, 0))).toBe(1)
    expect(await run((started) => expect(started.log.damage).toBeUndefined())).toBe(1)
    rmSync(directory, { recursive: true })
  })
})
