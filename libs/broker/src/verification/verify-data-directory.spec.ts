import { buildRecordBatch } from '@keyfold/protocol'
import { MemoryFiles } from '@keyfold/storage'
import { describe, expect, it } from 'vitest'
import { BrokerRehearsal, HandClock } from '../testing/broker-rehearsal.ts'
import { verifyFiles } from './verify-data-directory.ts'

const segment = 'topics/t-0/00000000000000000000'

/** A closed data directory: forty plain batches of an idempotent producer, and one aborted transaction. */
async function written(): Promise<MemoryFiles> {
  const files = new MemoryFiles()
  const clock = new HandClock()
  clock.pass(Date.now() - clock.wall())
  const { broker } = await BrokerRehearsal.open(files, {}, clock)
  broker.catalog.create({ name: 't', partitionCount: 1, configs: new Map([['index.interval.bytes', '200']]) })
  const partition = broker.partitions.get('t', 0)
  for (let baseSequence = 0; baseSequence < 40; baseSequence++) {
    const records = [{ key: null, value: Buffer.from(`value ${baseSequence}`.padEnd(100)) }]
    const producer = { producerId: 7, producerEpoch: 0, baseSequence, timestamp: clock.wall() + baseSequence }
    partition?.append({ batch: buildRecordBatch({ records, ...producer }), nowMs: clock.wall() })
  }
  const owner = { producerId: 8, producerEpoch: 0 }
  const records = [{ key: null, value: Buffer.from('never') }]
  const batch = buildRecordBatch({ records, ...owner, baseSequence: 0, isTransactional: true, timestamp: clock.wall() })
  partition?.append({ batch, nowMs: clock.wall(), isTransactionVerified: true })
  if (partition !== undefined) {
    broker.storage.appendAtomic([partition.marker({ ...owner, committed: false, nowMs: clock.wall() })])
  }
  await broker.close()
  return files
}

function damaged(files: MemoryFiles, path: string, at: number, flip = 1): MemoryFiles {
  const copy = files.kill()
  const bytes = Buffer.from(copy.bytesOf(path))
  const where = at < 0 ? bytes.length + at : at
  bytes.writeUInt8(bytes.readUInt8(where) ^ flip, where)
  copy.replace(path, bytes)
  return copy
}

function contents(files: MemoryFiles): string[] {
  return files.paths().map((path) => `${path} ${files.bytesOf(path).toString('base64')}`)
}

describe('verification of a data directory', () => {
  it('finds nothing in a sound one, closed or killed, and changes nothing', async () => {
    const files = await written()
    const before = contents(files)
    expect(await verifyFiles(files, true)).toEqual({ findings: [], notes: [], partitions: 1, batches: 42 })
    expect(contents(files)).toEqual(before)
    const killed = new MemoryFiles()
    const { broker } = await BrokerRehearsal.open(killed)
    await broker.storage.durable(broker.catalog.create({ name: 'u', partitionCount: 3, configs: new Map() }))
    expect(await verifyFiles(killed.crash('drop'), false)).toMatchObject({ findings: [], partitions: 3 })
  })

  it('statement 86: names file and byte of a batch whose checksum is wrong, and reads on behind it', async () => {
    const files = damaged(await written(), `${segment}.log`, 200)
    const before = contents(files)
    const { findings, batches } = await verifyFiles(files, true)
    expect(findings).toMatchObject([{ kind: 'log', place: `${segment}.log`, isRepaired: false }])
    expect(findings[0]?.what).toContain('checksum of the batch with offset 1')
    expect(batches).toBe(41)
    // Nothing of a damaged log is ever repaired.
    expect(contents(files)).toEqual(before)
  })

  it('names a log that is shorter than the checkpoint says', async () => {
    const files = (await written()).crash('drop')
    files.replace(`${segment}.log`, files.bytesOf(`${segment}.log`).subarray(0, -10))
    const { findings } = await verifyFiles(files, true)
    expect(findings).toEqual([
      expect.objectContaining({
        kind: 'log',
        what: expect.stringMatching(/has \d+ bytes, the checkpoint says \d+/) as string,
      }),
    ])
  })

  it.each([
    ['index', 7],
    ['timeindex', 11],
  ])('repairs a .%s that does not fit its log, when told to', async (extension, at) => {
    const path = `${segment}.${extension}`
    const sound = await written()
    const files = damaged(sound, path, at)
    expect(await verifyFiles(files, false)).toMatchObject({
      findings: [{ kind: 'index', place: path, isRepaired: false }],
    })
    const { findings } = await verifyFiles(files, true)
    expect(findings.map(({ isRepaired }) => isRepaired)).not.toContain(false)
    expect(await verifyFiles(files, false)).toMatchObject({ findings: [] })
  })

  it.each([
    ['index', 8],
    ['timeindex', 12],
  ])('has nothing to say about a .%s whose last entry a power cut tore: nobody reads it', async (extension, bytes) => {
    const path = `${segment}.${extension}`
    const files = (await written()).crash('keep')
    const entries = Buffer.from(files.bytesOf(path))
    entries.fill(0, entries.length - bytes / 2)
    files.replace(path, entries)
    expect(await verifyFiles(files, false)).toMatchObject({ findings: [] })
  })

  it('reports a damaged journal or checkpoint as such', async () => {
    const checkpoint = damaged(await written(), 'checkpoint', 40)
    expect(await verifyFiles(checkpoint, true)).toMatchObject({ findings: [{ kind: 'checkpoint' }] })
    const journal = damaged((await written()).crash('drop'), 'journal/0000000001.journal', 9)
    expect(await verifyFiles(journal, true)).toMatchObject({ findings: [{ kind: 'journal' }] })
  })

  it('compares what is remembered of producers and transactions with the logs', async () => {
    const files = new MemoryFiles()
    const clock = new HandClock()
    clock.pass(Date.now() - clock.wall())
    const { broker } = await BrokerRehearsal.open(files, {}, clock)
    broker.catalog.create({ name: 't', partitionCount: 1, configs: new Map() })
    const partition = broker.partitions.get('t', 0)
    const records = [{ key: null, value: Buffer.from('v') }]
    const batch = buildRecordBatch({
      records,
      producerId: 7,
      producerEpoch: 0,
      baseSequence: 0,
      timestamp: clock.wall(),
    })
    partition?.append({ batch, nowMs: clock.wall() })
    // A transaction that no coordinator knows of, and a producer that was forgotten too early.
    const hanging = { producerId: 9, producerEpoch: 0, baseSequence: 0, isTransactional: true, timestamp: clock.wall() }
    partition?.append({
      batch: buildRecordBatch({ records, ...hanging }),
      nowMs: clock.wall(),
      isTransactionVerified: true,
    })
    partition?.applyExpiry(7)
    await broker.close()
    const { findings } = await verifyFiles(files.kill(), true)
    expect(findings.map(({ kind, place, what }) => `${kind} ${place}: ${what}`)).toEqual([
      'producers t-0: producer 7 wrote up to sequence 0 and is not remembered',
      'transactions t-0: producer 9 has a transaction open from offset 1 that nobody coordinates',
    ])
  })
})
