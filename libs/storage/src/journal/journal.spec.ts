import { describe, expect, it } from 'vitest'

import { type JournaledState, MemoryFiles, openStorage, type Storage, StorageError } from '../index.ts'
import { aligned, blockAlignment } from './block.ts'

/** Keeps every entry it is given. */
class Entries implements JournaledState {
  readonly name = 'entries'
  readonly kinds = [40, 41]
  texts: string[] = []

  apply(kind: number, payload: Buffer, lsn: number): void {
    this.texts.push(`${lsn}:${kind}:${payload.length < 100 ? payload.toString() : payload.length}`)
  }

  snapshot(): Buffer {
    return Buffer.from(JSON.stringify(this.texts))
  }

  restore(snapshot: Buffer): void {
    this.texts = JSON.parse(snapshot.toString()) as string[]
  }
}

interface Started {
  storage: Storage
  entries: Entries
  failures: StorageError[]
  warnings: string[]
}

const limits = { journalFileBytes: 65_536, firstJournalFileBytes: 65_536 }
/** A checkpoint frees two files, which are kept. */
const twoFilesKept = { limits: { ...limits, checkpointJournalBytes: 131_072 } }

async function start(files: MemoryFiles, overrides = {}): Promise<Started> {
  const failures: StorageError[] = []
  const warnings: string[] = []
  const entries = new Entries()
  const storage = await openStorage({
    files,
    onFatal: (error) => failures.push(error),
    log: { info: () => {}, warn: (event, fields) => warnings.push(`${event} ${JSON.stringify(fields)}`) },
    limits,
    ...overrides,
  })
  await storage.recover({ states: [entries] })
  return { storage, entries, failures, warnings }
}

const path = 'journal/0000000001.journal'
const secondPath = 'journal/0000000002.journal'

/** Counts the syncs of the journal by the blocks in it: every block is one. */
function blocksIn(files: MemoryFiles, file = path): number {
  const bytes = files.bytesOf(file)
  let count = 0
  for (let at = blockAlignment; at < bytes.length && bytes.readUInt32BE(at) !== 0; count++) {
    at += aligned(bytes.readUInt32BE(at + 8))
  }
  return count
}

describe('the journal', () => {
  it('puts what arrives while a sync is under way into one block', async () => {
    const files = new MemoryFiles()
    const { storage } = await start(files)
    const first = storage.durable(storage.append(40, Buffer.from('a')))
    await Promise.resolve()
    await Promise.resolve()
    const rest = ['b', 'c', 'd'].map((text) => storage.durable(storage.append(40, Buffer.from(text))))
    await Promise.all([first, ...rest])
    expect(storage.durableLsn).toBe(4)
    expect(blocksIn(files)).toBe(2)
  })

  it('tells its meter what each block holds and how long the sync took', async () => {
    let nowMs = 0
    const told: unknown[] = []
    const meter = {
      now: () => (nowMs += 5),
      wrote: (entries: readonly unknown[], bytes: number) => told.push([entries.length, bytes]),
      synced: (durationMs: number) => told.push(durationMs),
    }
    const { storage } = await start(new MemoryFiles(), { meter })
    await storage.durable(storage.appendAtomic([40, 40, 41].map((kind) => ({ kind, payload: Buffer.from('a') }))))
    expect(told).toEqual([[3, blockAlignment], 5])
    expect(storage.pendingBytes).toBe(0)
    void storage.append(40, Buffer.from('b'))
    expect(storage.pendingBytes).toBeGreaterThan(0)
  })

  it('writes what nobody waits for together with the next entry that somebody waits for', async () => {
    const files = new MemoryFiles()
    const { storage } = await start(files, { after: () => {} })
    storage.append(40, Buffer.from('a'))
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(storage.durableLsn).toBe(0)
    storage.append(40, Buffer.from('b'))
    await storage.durable(storage.append(40, Buffer.from('c')))
    expect(blocksIn(files)).toBe(1)
  })

  it('tells listeners and waiters in order, listeners first', async () => {
    const { storage } = await start(new MemoryFiles())
    const seen: string[] = []
    storage.onDurable((lsn) => seen.push(`listener ${lsn}`))
    const waits = [1, 2].map((n) =>
      storage.durable(storage.append(40, Buffer.from(`${n}`))).then(() => seen.push(`waiter ${n}`)),
    )
    await Promise.all(waits)
    expect(seen).toEqual(['listener 2', 'waiter 1', 'waiter 2'])
  })

  it('keeps entries that were appended together together, whatever the crash', async () => {
    const files = new MemoryFiles()
    const { storage } = await start(files)
    const large = Buffer.alloc(9000, 'x')
    void storage
      .durable(
        storage.appendAtomic([
          { kind: 40, payload: large },
          { kind: 41, payload: large },
        ]),
      )
      .catch(() => {})
    const isUnderWay = () => files.pending.some((change) => change.kind === 'write' && change.bytes.length === 20_480)
    while (!isUnderWay()) await Promise.resolve()
    const disk = files.clone()
    for (const fate of ['keep', 'drop', 'torn'] as const) {
      const copy = disk.clone().crash(fate)
      const { entries } = await start(copy)
      expect(entries.texts).toEqual(fate === 'keep' ? ['1:40:9000', '2:41:9000'] : [])
    }
  })

  it('goes on in the next file when one is full, also with a block larger than any file', async () => {
    const files = new MemoryFiles()
    const { storage, entries } = await start(files)
    for (let n = 0; n < 20; n++) await storage.durable(storage.append(40, Buffer.alloc(8000, 'x')))
    await storage.durable(storage.append(41, Buffer.alloc(200_000, 'y')))
    const again = await start(files.crash('drop'))
    expect(again.entries.texts).toEqual(entries.texts)
    expect(again.entries.texts).toHaveLength(21)
  })

  it('cuts a torn tail at every byte of the last block and logs the range', async () => {
    const files = new MemoryFiles()
    const { storage } = await start(files)
    await storage.durable(storage.append(40, Buffer.from('first')))
    await storage.durable(storage.append(40, Buffer.alloc(5000, 'z')))
    const whole = Buffer.from(files.bytesOf(path))
    const from = blockAlignment * 2
    const length = whole.readUInt32BE(from + 8)
    for (let cut = 0; cut < length; cut += cut < 80 || cut > length - 80 ? 1 : 97) {
      const copy = files.clone().crash('keep')
      const torn = Buffer.from(whole)
      torn.fill(0, from + cut)
      copy.replace(path, torn)
      const { storage: again, entries, warnings } = await start(copy)
      expect(entries.texts, `cut after ${cut} bytes`).toEqual(['1:40:first'])
      if (cut > 0) expect(warnings.join()).toContain(`"file":"${path}","fromByte":${from}`)
      await again.durable(again.append(40, Buffer.from('next')))
      expect((await start(copy.crash('drop'))).entries.texts, `after a cut of ${cut}`).toEqual([
        '1:40:first',
        '2:40:next',
      ])
    }
  })

  it('cuts a last block that is garbled at any byte', async () => {
    const files = new MemoryFiles()
    const { storage } = await start(files)
    await storage.durable(storage.append(40, Buffer.from('first')))
    await storage.durable(storage.append(40, Buffer.alloc(300, 'z')))
    const from = blockAlignment * 2
    const length = files.bytesOf(path).readUInt32BE(from + 8)
    for (let at = 0; at < length; at += at < 64 ? 1 : 13) {
      const copy = files.clone().crash('keep')
      const bytes = Buffer.from(copy.bytesOf(path))
      // The reserved bytes of the header are covered by the checksum like all others.
      bytes.writeUInt8(bytes.readUInt8(from + at) ^ 0x40, from + at)
      copy.replace(path, bytes)
      expect((await start(copy)).entries.texts, `garbled at ${at}`).toEqual(['1:40:first'])
    }
  })

  it('statement 85: refuses to start when a block in the middle is damaged, and changes nothing', async () => {
    const files = new MemoryFiles()
    const { storage } = await start(files)
    for (const text of ['a', 'b', 'c']) await storage.durable(storage.append(40, Buffer.from(text)))
    const disk = files.crash('drop')
    const damagedAt = blockAlignment * 2
    const bytes = Buffer.from(disk.bytesOf(path))
    bytes.writeUInt8(bytes.readUInt8(damagedAt + 69) ^ 1, damagedAt + 69)
    disk.replace(path, bytes)
    const error = await start(disk).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(StorageError)
    expect(error).toMatchObject({ code: 'JOURNAL_CORRUPT' })
    expect((error as StorageError).message).toContain(`${path} is damaged at byte ${damagedAt}`)
    expect(disk.bytesOf(path)).toEqual(bytes)
  })

  it('refuses to start when a file in the middle is gone', async () => {
    const files = new MemoryFiles()
    const { storage } = await start(files)
    for (let n = 0; n < 20; n++) await storage.durable(storage.append(40, Buffer.alloc(8000, 'x')))
    const disk = files.crash('drop')
    await disk.remove(secondPath)
    await expect(start(disk)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' })
  })

  it('writes into recycled files without taking their old blocks for new ones', async () => {
    const files = new MemoryFiles()
    const { storage } = await start(files, twoFilesKept)
    const expected: string[] = []
    for (let round = 0; round < 12; round++) {
      for (let n = 0; n < 9; n++) {
        const lsn = storage.append(40, Buffer.alloc(5000, `${round % 10}`))
        expected.push(`${lsn}:40:5000`)
        await storage.durable(lsn)
      }
      await storage.checkpoint()
    }
    const journalFiles = files.paths().filter((name) => name.startsWith('journal/'))
    expect(journalFiles.length).toBeLessThanOrEqual(5)
    for (let n = 0; n < 3; n++) expected.push(`${storage.append(40, Buffer.from('end'))}:40:end`)
    await storage.durable(storage.lastLsn)
    for (const fate of ['drop', 'keep', 'torn'] as const) {
      const copy = files.clone().crash(fate)
      expect((await start(copy)).entries.texts).toEqual(expected)
    }
  })

  it.each(['write', 'fdatasync'] as const)(
    'ends at the first %s that fails: nothing acknowledged, nothing tried again',
    async (operation) => {
      const files = new MemoryFiles()
      const { storage, failures } = await start(files)
      await storage.durable(storage.append(40, Buffer.from('a')))
      files.failNext(operation, Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }), path)
      const waits = [
        storage.durable(storage.append(40, Buffer.from('b'))),
        storage.durable(storage.append(40, Buffer.from('c'))),
      ]
      for (const outcome of await Promise.allSettled(waits)) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'WRITE_FAILED' } })
      }
      expect(failures).toHaveLength(1)
      expect(storage.durableLsn).toBe(1)
      expect(storage.acceptsWrites).toBe(false)
      expect(() => storage.append(40, Buffer.from('d'))).toThrow(StorageError)
      const operations = files.operations
      await storage.close()
      expect(files.operations).toBe(operations)
    },
  )

  it('says that it accepts no writes while there is no room for another file, and goes on when there is', async () => {
    const files = new MemoryFiles()
    const { storage, warnings } = await start(files, {
      limits: { journalFileBytes: 1_048_576, firstJournalFileBytes: 524_288 },
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(storage.acceptsWrites).toBe(true)
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
    files.failNext('write', full, 'journal/0000000003.journal')
    for (let n = 0; n < 13; n++) await storage.durable(storage.append(40, Buffer.alloc(100_000, 'x')))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(warnings.join()).toContain('journal.no-space-ahead')
    expect(storage.acceptsWrites).toBe(false)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(storage.acceptsWrites).toBe(true)
    expect(files.paths().some((name) => name.endsWith('.tmp'))).toBe(false)
  })

  it.each([['os' as const], [{ intervalMs: 5 }]])(
    'counts entries as durable when they are written with durability %j',
    async (durability) => {
      const files = new MemoryFiles()
      const { storage } = await start(files, { durability })
      await storage.durable(storage.append(40, Buffer.from('a')))
      expect((await start(files.clone().crash('drop'))).entries.texts).toEqual([])
      await new Promise((resolve) => setTimeout(resolve, 30))
      expect((await start(files.clone().crash('drop'))).entries.texts).toEqual(durability === 'os' ? [] : ['1:40:a'])
      await storage.close()
      expect((await start(files.crash('drop'))).entries.texts).toEqual(['1:40:a'])
    },
  )

  it('treats blocks that were never synced as a torn tail, in any order that the disk kept them', async () => {
    const files = new MemoryFiles()
    const { storage } = await start(files, { durability: 'os', after: () => {} })
    for (const text of ['a', 'b', 'c']) await storage.durable(storage.append(40, Buffer.from(text)))
    const writes = files.pending.flatMap((change, index) =>
      change.kind === 'write' && change.bytes.length <= 4096 ? [index] : [],
    )
    const disk = files.crash((_change, index) => (index === writes.at(-2) ? 'drop' : 'keep'))
    const { entries, storage: again } = await start(disk)
    expect(entries.texts).toEqual(['1:40:a'])
    await again.durable(again.append(40, Buffer.from('B')))
    expect((await start(disk.crash('drop'))).entries.texts).toEqual(['1:40:a', '2:40:B'])
  })

  it('refuses a second opening of the same directory', async () => {
    const files = new MemoryFiles()
    const { storage } = await start(files)
    await expect(start(files)).rejects.toMatchObject({ code: 'DATA_DIRECTORY_LOCKED' })
    await storage.close()
    await (await start(files)).storage.close()
  })

  it('refuses entries and checkpoints that nothing reads', async () => {
    const files = new MemoryFiles()
    const { storage } = await start(files)
    await storage.durable(storage.append(40, Buffer.from('a')))
    const bare = await openStorage({ files: files.kill(), onFatal: () => {}, limits })
    await expect(bare.recover()).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED' })
  })

  it('refuses a damaged checkpoint and a missing one', async () => {
    const files = new MemoryFiles()
    const { storage } = await start(files, twoFilesKept)
    for (let n = 0; n < 40; n++) await storage.durable(storage.append(40, Buffer.alloc(5000, 'x')))
    await storage.close()
    const bytes = Buffer.from(files.bytesOf('checkpoint'))
    for (const at of [0, 9, 13, 16, bytes.length - 1]) {
      const damaged = files.clone()
      const copy = Buffer.from(bytes)
      copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
      damaged.replace('checkpoint', copy)
      await expect(start(damaged), `byte ${at}`).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
    }
    const missing = files.clone()
    await missing.remove('checkpoint')
    await expect(start(missing)).rejects.toBeInstanceOf(StorageError)
  })
})
