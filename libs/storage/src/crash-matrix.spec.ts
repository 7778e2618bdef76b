import { buildRecordBatch, readBatchHeader, readRecords } from '@keyfold/protocol'
import { describe, expect, it } from 'vitest'

import {
  eachBatch,
  type Fate,
  type JournaledState,
  MemoryFiles,
  openStorage,
  type PendingChange,
  type Storage,
} from './index.ts'

/*
 * Every workload is run up to every single file operation; then power is cut, with every fate of what was pending: all
 * kept, all lost, each one alone lost or torn. Whatever is found afterwards has to be a prefix of what was accepted, hold
 * all that was acknowledged, and be found again by a second recovery.
 */

/** A list of words. One entry of kind 41 stands for a decision that a batch belongs to. */
class Words implements JournaledState {
  readonly name = 'words'
  readonly kinds = [40, 41]
  list: string[] = []

  apply(_kind: number, payload: Buffer): void {
    this.list.push(payload.toString())
  }

  snapshot(): Buffer {
    return Buffer.from(JSON.stringify(this.list))
  }

  restore(snapshot: Buffer): void {
    this.list = JSON.parse(snapshot.toString()) as string[]
  }
}

interface Run {
  storage: Storage
  words: Words
  /** What was appended, in order; each is one journal entry or one atomic group. */
  accepted: string[]
  /** How many of `accepted` have been acknowledged. */
  acknowledged: number
}

const limits = {
  journalFileBytes: 32_768,
  firstJournalFileBytes: 32_768,
  checkpointJournalBytes: 200_000,
  flushBytes: 1_000_000,
  tailBytesMax: 4000,
  idleFlushMs: 1,
}

async function open(files: MemoryFiles): Promise<{ storage: Storage; words: Words }> {
  const words = new Words()
  const random = (count: number): Buffer => Buffer.alloc(count, 7)
  const warn = (event: string): void => expect(event, 'nothing is damaged by a crash').not.toBe('partition.damaged')
  const log = { info: () => {}, warn }
  const storage = await openStorage({ files, onFatal: () => {}, limits, log, after: () => {}, random })
  await storage.recover({ states: [words] })
  for (const log of storage.partitions.all()) log.configure({ segmentBytes: 600, indexIntervalBytes: 100 })
  return { storage, words }
}

function batchOf(text: string): Buffer {
  return buildRecordBatch({ records: [{ key: null, value: Buffer.from(text.padEnd(120, '.')) }], timestamp: 1000 })
}

const word = (run: Run, text: string): void => {
  run.accepted.push(`word ${text}`)
  run.storage.append(40, Buffer.from(text))
}

const batch = (run: Run, topic: string, text: string): void => {
  const log = run.storage.partitions.get(topic, 0)
  if (log === undefined) throw new Error(`no ${topic}`)
  run.accepted.push(`batch ${topic} ${text}`)
  run.storage.appendAtomic([run.storage.partitions.batch(log, log.prepare(batchOf(text)))])
}

/** A batch in each of two logs and a word: whole or absent. */
const group = (run: Run, text: string): void => {
  const logs = ['a', 'b'].map((topic) => run.storage.partitions.get(topic, 0)).filter((log) => log !== undefined)
  run.accepted.push(`group ${text}`)
  const batches = logs.map((log) => run.storage.partitions.batch(log, log.prepare(batchOf(text))))
  run.storage.appendAtomic([{ kind: 41, payload: Buffer.from(text) }, ...batches])
}

const create = (run: Run, topic: string): void => {
  run.accepted.push(`create ${topic}`)
  run.storage.appendAtomic(run.storage.partitions.creation(topic, [0]))
  run.storage.partitions.get(topic, 0)?.configure({ segmentBytes: 600, indexIntervalBytes: 100 })
}

const remove = (run: Run, topic: string): void => {
  run.accepted.push(`remove ${topic}`)
  run.storage.appendAtomic(run.storage.partitions.removal(topic))
}

const moveStart = (run: Run, topic: string, offset: number): void => {
  const log = run.storage.partitions.get(topic, 0)
  if (log === undefined) throw new Error(`no ${topic}`)
  run.accepted.push(`start ${topic} ${offset}`)
  run.storage.appendAtomic([run.storage.partitions.logStart(log, offset)])
}

const acknowledge = async (run: Run): Promise<void> => {
  const count = run.accepted.length
  await run.storage.durable(run.storage.lastLsn)
  run.acknowledged = count
}

type Workload = (run: Run) => Promise<void>

const workloads: Record<string, Workload> = {
  async 'appends, groups and a checkpoint'(run) {
    create(run, 'a')
    create(run, 'b')
    await acknowledge(run)
    for (let n = 0; n < 4; n++) batch(run, 'a', `a${n}`)
    word(run, 'one')
    await acknowledge(run)
    group(run, 'g1')
    await acknowledge(run)
    for (let n = 0; n < 3; n++) batch(run, 'b', `b${n}`)
    await run.storage.checkpoint()
    run.acknowledged = run.accepted.length
    batch(run, 'a', 'after')
    group(run, 'g2')
    await acknowledge(run)
    word(run, 'two')
    await run.storage.close()
    run.acknowledged = run.accepted.length
  },
  async 'a topic that is deleted and made anew, and a log whose start moves'(run) {
    create(run, 'a')
    create(run, 'b')
    for (let n = 0; n < 9; n++) batch(run, 'a', `a${n}`)
    batch(run, 'b', 'old')
    await acknowledge(run)
    await run.storage.checkpoint()
    moveStart(run, 'a', 7)
    remove(run, 'b')
    await acknowledge(run)
    create(run, 'b')
    batch(run, 'b', 'new')
    await acknowledge(run)
    await run.storage.checkpoint()
    batch(run, 'b', 'newer')
    await acknowledge(run)
    await run.storage.checkpoint()
  },
  async 'checkpoints while more arrives'(run) {
    create(run, 'a')
    create(run, 'b')
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 3; n++) batch(run, 'a', `a${round}${n}`)
      const checkpoint = run.storage.checkpoint()
      checkpoint.catch(() => {})
      group(run, `g${round}`)
      await acknowledge(run)
      word(run, `w${round}`)
      await checkpoint
      await acknowledge(run)
    }
  },
}

/** What is in a storage, as the accepted operations would have left it: comparable to a model. */
async function contents(storage: Storage, words: Words): Promise<string> {
  const logs: Record<string, unknown> = {}
  for (const log of storage.partitions.all()) {
    const texts: string[] = []
    for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
      const request = { offset, endOffset: log.logEndOffset, maxBytes: 300, minOneBatch: true }
      for (const bytes of eachBatch(await storage.read(log, request))) {
        const header = readBatchHeader(bytes)
        if (header.baseOffset !== offset) throw new Error(`gap before ${header.baseOffset}`)
        for (const record of readRecords(bytes)) texts.push(String(record.value).replaceAll('.', ''))
        offset = header.lastOffset + 1
      }
    }
    logs[log.topic] = { start: log.logStartOffset, end: log.logEndOffset, texts }
  }
  return JSON.stringify({ words: words.list, logs: inOrder(Object.entries(logs)) })
}

function inOrder(entries: [string, unknown][]): Record<string, unknown> {
  return Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b)))
}

/** The same after a prefix of the accepted operations, worked out without any storage. */
function model(accepted: readonly string[]): string {
  const words: string[] = []
  const logs = new Map<string, { start: number; texts: string[] }>()
  const push = (topic: string, text: string): void => void logs.get(topic)?.texts.push(text)
  for (const operation of accepted) {
    const [name, first = '', second = ''] = operation.split(' ')
    if (name === 'word') words.push(first)
    else if (name === 'create') logs.set(first, { start: 0, texts: [] })
    else if (name === 'remove') logs.delete(first)
    else if (name === 'batch') push(first, second)
    else if (name === 'start') logs.set(first, { start: Number(second), texts: logs.get(first)?.texts ?? [] })
    else {
      words.push(first)
      for (const topic of logs.keys()) push(topic, first)
    }
  }
  const entries = [...logs].map(([topic, { start, texts }]): [string, unknown] => [
    topic,
    { start, end: texts.length, texts: texts.slice(start) },
  ])
  return JSON.stringify({ words, logs: inOrder(entries) })
}

const knownPrefixes = new WeakMap<readonly string[], string[]>()

/** The models of all prefixes, the empty one first; worked out once per run. */
function prefixes(accepted: readonly string[]): string[] {
  const known = knownPrefixes.get(accepted)
  if (known !== undefined) return known
  const models = [[], ...accepted].map((_, length) => model(accepted.slice(0, length)))
  knownPrefixes.set(accepted, models)
  return models
}

type FateOf = (change: PendingChange, index: number) => Fate

/** All kept, all lost, all torn; and each pending change alone lost, torn or kept, in turns over the operations. */
function fates(count: number, turn: number): [string, FateOf][] {
  const all: [string, FateOf][] = [
    ['all kept', () => 'keep'],
    ['all lost', () => 'drop'],
    ['all torn', () => 'torn'],
  ]
  for (let index = 0; index < count; index++) {
    const singles: [string, FateOf][] = [
      [`change ${index} lost`, (_change, at) => (at === index ? 'drop' : 'keep')],
      [`change ${index} torn`, (_change, at) => (at === index ? 'torn' : 'keep')],
      [`only change ${index} kept`, (_change, at) => (at === index ? 'keep' : 'drop')],
    ]
    const single = singles[(index + turn) % singles.length]
    if (single !== undefined) all.push(single)
  }
  return all
}

/** Runs a workload until the process is gone. */
async function runUntilGone(files: MemoryFiles, workload: Workload): Promise<Run | undefined> {
  let run: Run | undefined
  try {
    run = { ...(await open(files)), accepted: [], acknowledged: 0 }
    await workload(run)
  } catch {
    // The process is gone: what it knew does not matter any more.
  }
  return run
}

async function check(files: MemoryFiles, run: Run | undefined, what: string): Promise<void> {
  const { storage, words } = await open(files).catch((error: unknown) => {
    throw new Error(`${what}: does not start`, { cause: error })
  })
  const found = await contents(storage, words)
  const accepted = run?.accepted ?? []
  const length = prefixes(accepted).lastIndexOf(found)
  expect(length, `${what}: ${found} is no prefix of ${JSON.stringify(accepted)}`).toBeGreaterThanOrEqual(0)
  expect(length, `${what}: an acknowledged operation is missing`).toBeGreaterThanOrEqual(run?.acknowledged ?? 0)
  const disk = files.crash('drop')
  const again = await open(disk)
  expect(await contents(again.storage, again.words), `${what}: found by a second recovery`).toBe(found)
  await again.storage.close()
  // A clean close is the same after every recovery that found the same: every fifth will do.
  if (disk.operations % 5 !== 0) return
  const closed = await open(disk)
  expect(await contents(closed.storage, closed.words), `${what}: found after a clean close`).toBe(found)
}

/** Work, not waiting: a busy machine takes its time. */
const timeout = 120_000

describe('storage after a crash at every file operation', () => {
  it.each(Object.entries(workloads))('%s', { timeout }, async (_name, workload) => {
    const whole = new MemoryFiles()
    await runUntilGone(whole, workload)
    let checked = 0
    for (let operations = 1; operations <= whole.operations; operations++) {
      const files = new MemoryFiles()
      files.stopAfter(operations)
      const run = await runUntilGone(files, workload)
      for (const [name, fate] of fates(files.pending.length, operations)) {
        await check(files.clone().crash(fate), run, `after ${operations} operations, ${name}`)
        checked += 1
      }
    }
    expect(checked).toBeGreaterThan(200)
  })

  it('recovers from a crash at every operation of recovery itself', { timeout }, async () => {
    const workload = workloads['checkpoints while more arrives'] ?? (() => Promise.resolve())
    const files = new MemoryFiles()
    const run = await runUntilGone(files, workload)
    const disk = files.crash('drop')
    const reopened = disk.clone()
    const { storage } = await open(reopened)
    await storage.close()
    for (let operations = 0; operations < reopened.operations; operations++) {
      const copy = disk.clone()
      copy.stopAfter(operations)
      await open(copy)
        .then(({ storage: opened }) => opened.close())
        .catch(() => {})
      for (const fate of ['keep', 'drop', 'torn'] as const) {
        await check(copy.clone().crash(fate), run, `recovery ended after ${operations} operations, ${fate}`)
      }
    }
  })
})
