import { batchHeaders, Fetch, ListOffsets, OffsetFetch } from '@keyfold/protocol'
import type { MemoryFiles } from '@keyfold/storage'
import type { Broker } from '../../../../libs/broker/src/broker.ts'
import { verifyFiles } from '../../../../libs/broker/src/verification/verify-data-directory.ts'
import { seededRandom } from '../../random.ts'
import { violations as historyViolations } from '../checker.ts'
import { committed, committedRecords } from '../committed-records.ts'
import { History, type Position, type SeenRecord } from '../history.ts'
import { digestOf } from '../simulation/sim-digest.ts'
import type { Place } from '../simulation/sim-requests.ts'
import { probe } from './probes.ts'
import { type Recovered, stateOf } from './recorded-states.ts'
import { clockAt, compressors, openBroker, type Scene, serve } from './scene.ts'

/**
 * What is wrong with a disk that a crash has left, one line each. The broker starts on it, and has to be what the running
 * one was after some journal entry, not before the newest that was promised. Then it starts once more, the offline check
 * looks at the files, and clients ask for what they were told.
 */
export async function problemsAfterCrash(disk: MemoryFiles, scene: Scene): Promise<string[]> {
  const problems: string[] = []
  const check = (recovered: Recovered): void => void problems.push(...recoveryProblems(recovered, scene))
  const first = await start(disk, scene, check)
  if (typeof first === 'string') return [first]
  const found = await digestOf(first)
  const again = disk.crash('drop')
  const offline = again.clone()
  const second = await start(again, scene, () => {})
  if (typeof second === 'string') return [...problems, `a second time: ${second}`]
  for (const [part, text] of Object.entries(await digestOf(second))) {
    if (text !== found[part]) problems.push(`recovery: a second one finds ${part} ${text}, not ${found[part]}`)
  }
  problems.push(...undecided(second))
  problems.push(...historyViolations(await finished(second, scene)), ...(await keyedProblems(second, scene)))
  const { findings } = await verifyFiles(offline, false)
  problems.push(...findings.map(({ place, position, what }) => `verify: ${place} at ${position}: ${what}`))
  problems.push(...(await probe(second, scene)))
  await second.close()
  return problems
}

/** A broker on this disk, or why there is none. It has a clock and a generator of its own. */
async function start(files: MemoryFiles, { shape, clock }: Scene, onRecovered: (recovered: Recovered) => void) {
  const world = { shape, clock: clockAt(clock.wall()), random: seededRandom(files.operations + 1) }
  const paced = files.pacedBy(() => Promise.resolve())
  return openBroker(paced, world, onRecovered).catch((error: unknown) => `recovery: does not start: ${String(error)}`)
}

/** What is recovered is what the running broker was at that point, and no promise lies behind it. */
function recoveryProblems({ storage, states }: Recovered, { recorded, acknowledgedLsn }: Scene): string[] {
  const { lastLsn } = storage
  const problems: string[] = []
  if (lastLsn < acknowledgedLsn) problems.push(`lost: entry ${acknowledgedLsn} was promised, ${lastLsn} is the last`)
  const expected = recorded.at(lastLsn)
  // Before anything was recorded the broker was still starting for the first time.
  if (expected === undefined)
    return lastLsn === 0 ? problems : [...problems, `torn: a group of entries ends at ${lastLsn}`]
  for (const [part, text] of Object.entries(stateOf(states))) {
    if (text !== expected[part]) problems.push(`forgotten: ${part} at ${lastLsn} are\n${text}\nnot\n${expected[part]}`)
  }
  return problems
}

/** After recovery nothing is undecided. */
function undecided(broker: Broker): string[] {
  return broker.partitions.all().flatMap(({ topic, index, lastStableOffset, logEndOffset }) => {
    if (lastStableOffset === logEndOffset) return []
    return [`torn: ${topic}-${index} is undecided from ${lastStableOffset} to ${logEndOffset}`]
  })
}

/** The history of the scene, with what is there in the end. */
async function finished(broker: Broker, { history, keyed }: Scene): Promise<History> {
  const whole = new History()
  const { records, transactions, positions } = history
  whole.records.push(...records)
  whole.transactions.push(...transactions)
  whole.positions.push(...positions)
  const compacted = new Set(keyed.map(({ topic }) => topic))
  for (const { topic, index } of broker.partitions.all()) {
    if (!compacted.has(topic)) whole.final.push(...(await readPartition(broker, { topic, partition: index })))
  }
  const wanted = new Map(positions.map((position) => [JSON.stringify([position.group, position.topic]), position]))
  for (const position of wanted.values()) whole.finalPositions.push(await readPosition(broker, position))
  return whole
}

async function readPartition(broker: Broker, place: Place): Promise<SeenRecord[]> {
  const isolation = 'read_committed'
  const seen: SeenRecord[] = []
  for await (const { records, fetchOffset, aborted } of fetches(broker, place)) {
    const read = committedRecords(records, fetchOffset, aborted, { compressors }).records
    for (const { offset, value } of read)
      seen.push({ reader: 'final', isolation, ...place, offset, value: value.trimEnd() })
  }
  return seen
}

/** Everything a read_committed client gets of a partition, answer by answer. */
async function* fetches(broker: Broker, { topic, partition }: Place) {
  const start = await listOffset(broker, { topic, partition }, earliest)
  const end = await listOffset(broker, { topic, partition }, latest)
  for (let offset = start; offset < end;) {
    const partitions = [{ partition, fetchOffset: offset, partitionMaxBytes: 4000 }]
    const limits = { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 10_000, isolationLevel: 1 }
    const request = { ...limits, topics: [{ topic, partitions }] }
    const { responses } = await serve(broker, { api: Fetch, version: 11, request })
    const { errorCode, records, abortedTransactions } = responses[0]?.partitions[0] ?? { errorCode: -1 }
    const headers = [...batchHeaders(records ?? Buffer.alloc(0))]
    const nextOffset = (headers.at(-1)?.header.lastOffset ?? -1) + 1
    if (errorCode !== 0) throw new Error(`${topic}-${partition} cannot be read at ${offset}: ${errorCode}`)
    // The last batches of a compacted log may be gone.
    if (nextOffset <= offset) return
    yield { records: records ?? Buffer.alloc(0), fetchOffset: offset, aborted: abortedTransactions ?? [] }
    offset = nextOffset
  }
}

const latest = -1
const earliest = -2

async function listOffset(broker: Broker, { topic, partition }: Place, timestamp: number): Promise<number> {
  const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }]
  const request = { replicaId: -1, isolationLevel: 1, topics }
  const response = await serve(broker, { api: ListOffsets, version: 4, request })
  return response.topics[0]?.partitions[0]?.offset ?? -1
}

async function readPosition(broker: Broker, { group, topic, partition }: Position): Promise<Position> {
  const topics = [{ name: topic, partitionIndexes: [partition] }]
  const request = { groupId: group, topics, requireStable: true }
  const response = await serve(broker, { api: OffsetFetch, version: 7, request })
  return { group, topic, partition, offset: response.topics[0]?.partitions[0]?.committedOffset ?? -1 }
}

/** Of every key the newest value is there that counts for certain, or one that came after it and may count. */
async function keyedProblems(broker: Broker, { keyed, history }: Scene): Promise<string[]> {
  const problems: string[] = []
  const refused = new Set(history.transactions.filter(({ outcome }) => outcome === 'refused').map(({ id }) => id))
  for (const topic of new Set(keyed.map((write) => write.topic))) {
    if (broker.catalog.get(topic) === undefined) continue
    const there = await latestByKey(broker, { topic, partition: 0 })
    const writes = keyed.filter((write) => write.topic === topic && !refused.has(write.transaction ?? ''))
    for (const [key, ofKey] of Map.groupBy(writes, (write) => write.key)) {
      const certain = ofKey.findLastIndex(({ outcome }) => outcome === 'acknowledged')
      const allowed = ofKey.slice(Math.max(certain, 0)).map(({ value }) => value)
      if (certain < 0) allowed.push(null)
      const found = there.get(key) ?? null
      if (!allowed.includes(found)) problems.push(`lost: ${key} of ${topic} is ${found}, not ${allowed.join(' or ')}`)
    }
  }
  return problems
}

/** As a client that rebuilds a table from the topic has it. */
async function latestByKey(broker: Broker, place: Place): Promise<Map<string, string>> {
  const table = new Map<string, string>()
  for await (const { records, fetchOffset, aborted } of fetches(broker, place)) {
    for (const { key, value } of committed(records, fetchOffset, aborted)) {
      if (value === null) table.delete(String(key))
      else table.set(String(key), String(value).trimEnd())
    }
  }
  return table
}
