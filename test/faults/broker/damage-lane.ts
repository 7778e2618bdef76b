import { CreateTopics } from '@keyfold/protocol'
import type { MemoryFiles } from '@keyfold/storage'
import { HandClock } from '../../../libs/broker/src/testing/broker-rehearsal.ts'
import { seededRandom } from '../random.ts'
import { SimBroker } from './simulation/sim-broker.ts'
import { requests } from './simulation/sim-requests.ts'

const place = { topic: 't', partition: 0 }

/**
 * Flips one bit in each durable block of a journal but the last, one at a time. The broker has to refuse to start; one
 * that starts must still have all that was acknowledged. Returns what was lost instead.
 */
export async function damageJournal(files: MemoryFiles): Promise<string[]> {
  const broker = await open(files)
  await broker.call(CreateTopics, 4, { topics: [topic], timeoutMs: 1000 })
  for (let n = 0; n < 6; n++) await append(broker, `v${n}`)
  const disk = files.crash('drop')
  const path = disk.paths().find((name) => name.endsWith('.journal')) ?? ''
  const lost: string[] = []
  for (const at of blocksOf(disk.bytesOf(path)).slice(0, -1)) {
    const copy = disk.clone()
    const bytes = Buffer.from(copy.bytesOf(path))
    bytes.writeUInt8(bytes.readUInt8(at + 70) ^ 1, at + 70)
    copy.replace(path, bytes)
    const found = await open(copy).then(readAll, (error: unknown) => String(error))
    if (typeof found === 'string') {
      if (!found.includes('is damaged at byte')) lost.push(`refusal: ${found}`)
      if (!copy.bytesOf(path).equals(bytes)) lost.push(`refusal: ${path} was changed all the same`)
    } else if (found.length < 6) lost.push(`lost: ${6 - found.length} of 6 records, damaged at byte ${at} of ${path}`)
  }
  return lost
}

const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }

function open(files: MemoryFiles): Promise<SimBroker> {
  const world = { clock: new HandClock(), random: seededRandom(1), limits: {}, segmentBytes: 10_000 }
  return SimBroker.open(files, world, { gone: new Promise<never>(() => {}), onFatal: () => {} })
}

async function append(broker: SimBroker, value: string): Promise<void> {
  const batch = { ...place, producerId: -1, producerEpoch: -1, baseSequence: -1, transactionalId: null }
  const { errorCode } = await requests.produce(broker, { ...batch, values: [value] })
  if (errorCode !== 0) throw new Error(`produce answers ${errorCode}`)
}

async function readAll(broker: SimBroker): Promise<string[]> {
  if (broker.broker.partitions.get('t', 0) === undefined) return []
  const end = await requests.endOffset(broker, place, 'read_uncommitted')
  const values: string[] = []
  for (let offset = 0; offset < end;) {
    const { records, nextOffset } = await requests.fetch(broker, place, { offset, isolation: 'read_uncommitted' })
    values.push(...records.map(({ value }) => value))
    offset = nextOffset
  }
  return values
}

/** Where the blocks of a journal file begin: they do so at multiples of 4096, behind one page of header. */
function blocksOf(bytes: Buffer): number[] {
  const found: number[] = []
  for (let at = 4096; at < bytes.length; at += 4096)
    if (bytes.subarray(at, at + 4).toString() === 'KfJ1') found.push(at)
  return found
}
