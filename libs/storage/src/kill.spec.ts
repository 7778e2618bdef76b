import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { buildRecordBatch, readBatchHeader, readRecords } from '@keyfold/protocol'
import { afterEach, describe, expect, it } from 'vitest'

import { eachBatch, NodeFiles, openStorage, type Storage } from './index.ts'

/*
 * Real processes on a real disk: a child appends numbered batches and prints each number once it is acknowledged; it is
 * killed at a moment nobody chose.
 */
const child = `
  import { NodeFiles, openStorage } from '@keyfold/storage'
  import { buildRecordBatch } from '@keyfold/protocol'
  const storage = await openStorage({
    files: new NodeFiles(process.argv[1]),
    onFatal: (error) => { console.error(error); process.exit(74) },
    limits: { checkpointJournalBytes: 150_000, flushBytes: 20_000, journalFileBytes: 100_000, tailBytesMax: 10_000 },
  })
  await storage.recover()
  if (storage.partitions.get('orders', 0) === undefined) storage.appendAtomic(storage.partitions.creation('orders', [0]))
  const log = storage.partitions.get('orders', 0)
  log.configure({ segmentBytes: 20_000 })
  process.stdout.write('ready\\n')
  for (;;) {
    const offset = log.logEndOffset
    const batch = buildRecordBatch({ records: [{ key: null, value: Buffer.from(String(offset).padEnd(300)) }], timestamp: 1 })
    const lsn = storage.appendAtomic([storage.partitions.batch(log, log.prepare(batch))])
    if (offset % 3 === 0) await storage.durable(lsn).then(() => process.stdout.write(offset + '\\n'))
  }
`

const directories: string[] = []
const children: ChildProcess[] = []

afterEach(() => {
  for (const process of children.splice(0)) process.kill('SIGKILL')
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'keyfold-kill-'))
  directories.push(directory)
  return directory
}

function startChild(directory: string): ChildProcess {
  const flags = ['--conditions=@keyfold/source', '--disable-warning=ExperimentalWarning', '--input-type=module']
  const started = spawn(process.execPath, [...flags, '-e', child, directory], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(started)
  return started
}

/** Runs a child, kills it after so many acknowledgements, and returns the last acknowledged offset. */
async function runAndKill(directory: string, acknowledgements: number): Promise<number> {
  const running = startChild(directory)
  const ended = new Promise((resolve) => running.once('exit', resolve))
  let last = -1
  let count = 0
  if (running.stdout === null) throw new Error('no output')
  for await (const line of createInterface({ input: running.stdout })) {
    if (line === 'ready') continue
    last = Number(line)
    count += 1
    if (count === acknowledgements) running.kill('SIGKILL')
  }
  await ended
  return last
}

async function valuesIn(storage: Storage): Promise<string[]> {
  const log = storage.partitions.get('orders', 0)
  const values: string[] = []
  if (log === undefined) return values
  while (values.length < log.logEndOffset) {
    const request = { offset: values.length, endOffset: log.logEndOffset, maxBytes: 50_000, minOneBatch: true }
    for (const batch of eachBatch(await storage.read(log, request))) {
      expect(readBatchHeader(batch).baseOffset).toBe(values.length)
      for (const record of readRecords(batch)) values.push(String(record.value).trim())
    }
  }
  return values
}

describe('storage on a real disk', () => {
  it('has everything that was acknowledged after SIGKILL, again and again', { timeout: 30_000 }, async () => {
    const directory = temporaryDirectory()
    for (const acknowledgements of [1, 30, 90, 170]) {
      const last = await runAndKill(directory, acknowledgements)
      const storage = await openStorage({ files: new NodeFiles(directory), onFatal: () => {} })
      await storage.recover()
      const values = await valuesIn(storage)
      expect(values.length).toBeGreaterThan(last)
      expect(values).toEqual(values.map((_, offset) => String(offset)))
      await storage.close()
    }
  })

  it('refuses a second process, naming the first; not after that was killed', { timeout: 30_000 }, async () => {
    const directory = temporaryDirectory()
    const running = startChild(directory)
    if (running.stdout === null) throw new Error('no output')
    for await (const line of createInterface({ input: running.stdout })) if (line === 'ready') break
    const open = () => openStorage({ files: new NodeFiles(directory), onFatal: () => {} })
    const error = await open().catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      code: 'DATA_DIRECTORY_LOCKED',
      fix: expect.stringContaining('another data directory'),
    })
    expect(String(error)).toContain(`process ${running.pid} is using ${directory}`)
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGKILL')
    await ended
    expect(readFileSync(join(directory, 'lock.pid'), 'utf8').trim()).toBe(String(running.pid))
    const storage = await open()
    await storage.recover()
    await storage.close()
  })

  it('says what is wrong with a directory that cannot be used', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'file'), '')
    const files = new NodeFiles(join(directory, 'file', 'data'))
    await expect(openStorage({ files, onFatal: () => {} })).rejects.toMatchObject({ code: 'DATA_DIRECTORY_UNUSABLE' })
  })

  it('is readable by the next process while batches were in flight', async () => {
    const directory = temporaryDirectory()
    const storage = await openStorage({ files: new NodeFiles(directory), onFatal: () => {} })
    await storage.recover()
    storage.appendAtomic(storage.partitions.creation('orders', [0]))
    const log = storage.partitions.get('orders', 0)
    if (log === undefined) throw new Error('no partition')
    for (let offset = 0; offset < 100; offset++) {
      const batch = buildRecordBatch({ records: [{ key: null, value: Buffer.from(String(offset)) }], timestamp: 1 })
      storage.appendAtomic([storage.partitions.batch(log, log.prepare(batch))])
    }
    await storage.close()
    const again = await openStorage({ files: new NodeFiles(directory), onFatal: () => {} })
    await again.recover()
    expect(await valuesIn(again)).toHaveLength(100)
    await again.close()
  })
})
