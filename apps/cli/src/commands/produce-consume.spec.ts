import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectKafka, partitionForKey } from '@keyfold/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseJson } from '../json-text.ts'
import { envelopeOf } from '../testing/envelope-check.ts'
import { startTestCluster, type TestCluster } from '../testing/test-cluster.ts'
import { TestWorld } from '../testing/test-world.ts'
import { runCli } from '../run-cli.ts'

let cluster: TestCluster
let directory: string

beforeAll(async () => {
  cluster = await startTestCluster()
  directory = await mkdtemp(join(tmpdir(), 'keyfold-produce-'))
})

afterAll(async () => {
  await cluster.stop()
  await rm(directory, { recursive: true })
})

let topics = 0

async function newTopic(partitions = 1): Promise<string> {
  const name = `records-${topics++}`
  await cluster.admin.createTopic({ name, partitions })
  return name
}

const values = async (args: string) => (await cluster.run(`consume ${args} --format %v`)).out

const payment = {
  type: 'record',
  name: 'Payment',
  fields: [
    { name: 'cents', type: 'long' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'blob', type: 'bytes' },
    { name: 'ratio', type: 'double' },
    { name: 'memo', type: ['null', 'string'], default: null },
    { name: 'either', type: ['int', 'long'] },
    { name: 'tags', type: { type: 'array', items: { type: 'map', values: 'long' } } },
  ],
}

const paid = {
  cents: 9_007_199_254_740_993n,
  at: '2026-01-02T03:04:05.006Z',
  day: '2026-01-02',
  amount: '12.30',
  blob: 'AAH/',
  ratio: 0.5,
  memo: null,
  either: { long: 7 },
  tags: [{ a: 1 }],
}

const json = (value: unknown) =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? JSON.rawJSON(String(each)) : each))

describe('keyfold produce', () => {
  it('writes a record for each line of stdin or a file, with the last one not ended', async () => {
    const topic = await newTopic()
    const piped = await cluster.run(`produce ${topic}`, { stdin: 'a\r\nb\n\nc' })
    expect(piped).toEqual({ code: 0, out: ['4 records written', `${topic}/0@0..3`], err: [] })
    const path = join(directory, 'lines')
    await writeFile(path, 'd\n')
    const { data } = envelopeOf('produce', await cluster.run(`produce ${topic} -f ${path} --json`))
    expect(data).toEqual({
      topic,
      records: 1,
      partitions: [{ partition: 0, records: 1, firstOffset: 4, lastOffset: 4 }],
    })
    expect(await values(topic)).toEqual(['a', 'b', '', 'c', 'd'])
  })

  it('puts a key where every client puts it, and headers with the record', async () => {
    const topic = await newTopic(8)
    await cluster.run(`produce ${topic} -k alice -H a:1 -H b:2:3 -v hello`)
    const [record = ''] = (await cluster.run(`consume ${topic} -o ndjson`)).out
    expect(parseJson(record)).toMatchObject({
      partition: partitionForKey(Buffer.from('alice'), 8),
      key: 'alice',
      value: 'hello',
      headers: { a: '1', b: '2:3' },
    })
    await cluster.run(`produce ${topic} -k alice -p 5 -v there`)
    expect(await values(`${topic} -p 5`)).toContain('there')
  })

  it('writes tombstones, whole files, and nothing for no input', async () => {
    const topic = await newTopic()
    await cluster.run(`produce ${topic} -k a --tombstone`)
    await cluster.run(`produce ${topic} -i whole`, { stdin: 'a\nb\n' })
    expect(await cluster.run(`produce ${topic}`)).toMatchObject({ code: 0, out: ['0 records written'] })
    const [tombstone = '', whole = ''] = (await cluster.run(`consume ${topic} -o ndjson`)).out
    expect(parseJson(tombstone)).toMatchObject({ key: 'a', value: null, valueEncoding: 'none' })
    expect(parseJson(whole)).toMatchObject({ key: null, value: 'a\nb\n' })
  })

  it('takes what consume prints, byte for byte', async () => {
    const [from, to] = [await newTopic(), await newTopic()]
    const records = [
      { key: Buffer.from([1, 255]), value: Buffer.from('text'), headers: { h: 'x' }, timestampMs: 1_767_323_045_006 },
      { key: null, value: null },
      { key: Buffer.from('ключ'), value: Buffer.from([0xfe]) },
    ]
    await cluster.admin.append({ topic: from, partition: 0, records })
    const printed = (await cluster.run(`consume ${from} -o ndjson`)).out
    expect(await cluster.run(`produce ${to} -i ndjson`, { stdin: printed.join('\n') })).toMatchObject({ code: 0 })
    const again = (await cluster.run(`consume ${to} -o ndjson`)).out
    expect(again.map((line) => line.replace(to, from))).toEqual(printed)
  })

  it('stops at the first line that cannot be written, says which, and that lines before it were', async () => {
    const topic = await newTopic()
    const bad = await cluster.run(`produce ${topic} -i ndjson --json`, {
      stdin: '{"value":"a"}\n{"value":"b"}\n{"what":1}\n',
    })
    expect(bad.code).toBe(4)
    expect(envelopeOf('produce', bad)).toMatchObject({
      status: 'partial',
      data: { records: 2 },
      diagnostics: [{ code: 'INPUT_INVALID', message: 'line 3: "what" is not a member of a record' }],
    })
    expect(await values(topic)).toEqual(['a', 'b'])
  })

  it.each([
    ['{', 'line 1: it is not JSON'],
    ['[]', 'line 1: it is not a JSON object'],
    ['{"key":"a"}', 'line 1: "value" is missing'],
    ['{"value":1,"partition":-1}', 'line 1: "partition"'],
    ['{"value":1,"headers":{"a":1}}', 'line 1: "headers"'],
    ['{"value":1,"timestamp":"soon"}', 'line 1: "timestamp"'],
    ['{"value":{"a":1},"valueEncoding":"avro"}', 'line 1: an Avro value needs --schema'],
  ])('a first line %s writes nothing and exits 2', async (stdin, text) => {
    const topic = await newTopic()
    const { code, out, err } = await cluster.run(`produce ${topic} -i ndjson`, { stdin })
    expect({ code, out }).toEqual({ code: 2, out: [] })
    expect(err).toEqual([expect.stringMatching(/^INPUT_INVALID: /)])
    expect(err[0]).toContain(text)
  })

  it('encodes JSON as Avro of a subject or an id, without losing a digit', async () => {
    const topic = await newTopic()
    const id = await cluster.register('payments', payment)
    const stdin = json({ key: 'a', value: paid })
    expect(await cluster.run(`produce ${topic} -i ndjson --schema payments`, { stdin })).toMatchObject({ code: 0 })
    expect(await cluster.run(`produce ${topic} --schema ${id}`, { stdin: json(paid) })).toMatchObject({ code: 0 })
    const lines = (await cluster.run(`consume ${topic} -o ndjson`)).out
    expect(lines.map(parseJson)).toMatchObject([
      { value: paid, valueEncoding: 'avro', valueSchemaId: id },
      { value: paid },
    ])
    const [raw] = (await readAll(topic)).map(({ value }) => value)
    expect(raw?.subarray(0, 5)).toEqual(Buffer.from([0, 0, 0, 0, id]))
  })

  it('says which field does not fit the schema, and which schema is not there', async () => {
    const topic = await newTopic()
    await cluster.register('payments', payment)
    const wrong = await cluster.run(`produce ${topic} --schema payments`, { stdin: json({ ...paid, cents: 'many' }) })
    expect(wrong).toMatchObject({ code: 2, err: [expect.stringContaining('AVRO_VALUE_DOES_NOT_FIT: Payment.cents')] })
    const missing = await cluster.run(`produce ${topic} --schema nowhere -v 1`)
    expect(missing).toMatchObject({ code: 2, err: [expect.stringMatching(/^SCHEMA_NOT_FOUND: .*nowhere/)] })
    const silent = await cluster.run(`produce ${topic} --schema 1 -v 1 --registry http://127.0.0.1:9`)
    expect(silent).toMatchObject({ code: 3, out: [], err: [expect.stringMatching(/^REGISTRY_UNREACHABLE: /)] })
  })

  it.each([
    ['--tombstone', 'a tombstone needs --key'],
    ['--tombstone -k a -v b', 'no --value'],
    ['-v a -f x', '--file cannot'],
    ['-H a', 'name:value'],
    ['-i csv', 'Allowed choices are lines, whole, ndjson'],
    ['-p x', 'whole number'],
    ['-p 9 -v a', 'has 1 partitions, not 9'],
  ])('%s is wrong use', async (args, text) => {
    const topic = await newTopic()
    const { code, err } = await cluster.run(`produce ${topic} ${args}`)
    expect(code).toBe(2)
    expect(err.join('\n')).toContain(text)
  })

  it('exits 2 for a file that is not there and a topic that does not exist', async () => {
    const topic = await newTopic()
    const unreadable = await cluster.run(`produce ${topic} -f ${directory}/nope`)
    expect(unreadable).toMatchObject({ code: 2, err: [expect.stringMatching(/^FILE_UNREADABLE: /)] })
    expect(await cluster.run('produce nowhere -v a')).toMatchObject({
      code: 2,
      err: [expect.stringContaining('nowhere')],
    })
  })
})

async function readAll(topic: string) {
  const kafka = await connectKafka({ brokers: [cluster.brokers], clientId: 'test' })
  try {
    const reader = kafka.openPartitionReader({ topic, partition: 0, fromOffset: 0, isolation: 'committed' })
    return (await reader.next({ maxWaitMs: 5_000 })).records
  } finally {
    await kafka.close()
  }
}

describe('keyfold consume', () => {
  async function filled(count: number, partitions = 1): Promise<string> {
    const topic = await newTopic(partitions)
    const records = Array.from({ length: count }, (_, n) => ({
      key: Buffer.from(`k${n}`),
      value: Buffer.from(`v${n}`),
      timestampMs: Date.parse('2026-01-01T00:00Z') + n * 1_000,
    }))
    await cluster.admin.append({ topic, partition: 0, records })
    return topic
  }

  it.each([
    ['-o start', ['v0', 'v1', 'v2', 'v3', 'v4']],
    ['-o end', []],
    ['-o 3', ['v3', 'v4']],
    ['-o +1', ['v1', 'v2', 'v3', 'v4']],
    ['-o -2', ['v3', 'v4']],
    ['-o -99', ['v0', 'v1', 'v2', 'v3', 'v4']],
    ['-o 99', []],
    ['-o @2026-01-01T00:00:03', ['v3', 'v4']],
    ['-o @2026-01-01T01:00:04+01:00', ['v4']],
    ['-o @-1h', []],
    ['-o 1 -n 2', ['v1', 'v2']],
    ['-n 1', ['v0']],
  ])('%s begins and ends where it says', async (args, expected) => {
    expect(await values(`${await filled(5)} ${args}`)).toEqual(expected)
  })

  it('prints place, time, key and value, or what --format says', async () => {
    const topic = await filled(1)
    expect((await cluster.run(`consume ${topic}`)).out).toEqual([`${topic}/0@0\t2026-01-01T00:00:00.000Z\tk0\tv0`])
    const format = ['consume', topic, '--format', '%t %p %o %k %v %T %h %%\\t|']
    expect((await cluster.runArgs(format)).out).toEqual([`${topic} 0 0 k0 v0 2026-01-01T00:00:00.000Z {} %\t|`])
  })

  it('-o json is one envelope, empty when there is nothing', async () => {
    const topic = await filled(2)
    const { data } = envelopeOf('consume', await cluster.run(`consume ${topic} -o json -o -1`))
    expect(data).toMatchObject([{ offset: 1, value: 'v1' }])
    expect(envelopeOf('consume', await cluster.run(`consume ${topic} --json -o end`))).toMatchObject({ data: [] })
  })

  it('-k looks into the one partition of the key; -p only into those', async () => {
    const topic = await newTopic(8)
    const target = partitionForKey(Buffer.from('alice'), 8)
    await cluster.run(`produce ${topic} -k alice -v hers`)
    await cluster.run(`produce ${topic} -k bob -p ${target} -v his`)
    await cluster.run(`produce ${topic} -k alice -p ${(target + 1) % 8} -v elsewhere`)
    expect(await values(`${topic} -k alice`)).toEqual(['hers'])
    expect(await values(`${topic} -p ${target}`)).toEqual(['hers', 'his'])
    expect(await cluster.run(`consume ${topic} -p 8`)).toMatchObject({ code: 2, out: [] })
  })

  it('reads several topics', async () => {
    const [one, two] = [await filled(1), await filled(1)]
    expect((await cluster.run(`consume ${one} ${two} --format %t`)).out.toSorted()).toEqual([one, two].toSorted())
  })

  it('--filter sees decoded values', async () => {
    const topic = await newTopic()
    const id = await cluster.register('payments', payment)
    await cluster.run(`produce ${topic} --schema ${id}`, { stdin: `${json(paid)}\n${json({ ...paid, cents: 1 })}` })
    const large = await cluster.runArgs([
      'consume',
      topic,
      '--filter',
      'value.cents > 9007199254740992',
      '-o',
      'ndjson',
    ])
    expect(large.out).toHaveLength(1)
    expect(large.out[0]).toContain('"cents":9007199254740993')
  })

  it('shows bytes and says why, when it cannot decode', async () => {
    const topic = await newTopic()
    await cluster.admin.append({
      topic,
      partition: 0,
      records: [{ key: null, value: Buffer.from([0, 0, 0, 9, 9, 2]) }],
    })
    const { code, out, err } = await cluster.run(`consume ${topic} -o ndjson`)
    expect(code).toBe(0)
    expect(parseJson(out[0] ?? '')).toMatchObject({
      value: 'AAAACQkC',
      valueEncoding: 'base64',
      valueSchemaId: 2313,
      undecoded: expect.stringMatching(/^SCHEMA_NOT_FOUND: .*schema 2313/),
    })
    expect(err).toEqual([expect.stringMatching(/^warning NOT_DECODED: /)])
  })

  it('--raw writes the bytes of the values and nothing else', async () => {
    const topic = await newTopic()
    const records = [Buffer.from([0, 255]), Buffer.from('b')].map((value) => ({ key: null, value }))
    await cluster.admin.append({ topic, partition: 0, records })
    const world = new TestWorld({ env: { KAFKA_BROKERS: cluster.brokers } })
    expect(await runCli(['consume', topic, '--raw'], world)).toBe(0)
    expect(Buffer.concat(world.bytes)).toEqual(Buffer.from([0, 255, 10, 98, 10]))
    expect(world.lines).toEqual([])
  })

  it('--follow prints what comes, until Ctrl-C ends it with 130', async () => {
    const topic = await filled(2)
    let sent: Promise<unknown> = Promise.resolve()
    const run = await cluster.run(`consume ${topic} --follow -o -1 --format %v`, {
      onLine: (line, world) => {
        if (line === 'v1') sent = cluster.run(`produce ${topic} -v later`)
        if (line === 'later') world.interrupt()
      },
    })
    await sent
    expect(run).toEqual({ code: 130, out: ['v1', 'later'], err: [] })
  })

  it('shows no record of an aborted transaction, and with --uncommitted all', async () => {
    const topic = await newTopic()
    const kafka = new Kafka({ brokers: [cluster.brokers], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    for (const [value, ends] of [
      ['kept', 'commit'],
      ['dropped', 'abort'],
    ] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value }] })
      await transaction[ends]()
    }
    await producer.disconnect()
    expect(await values(topic)).toEqual(['kept'])
    expect(await values(`${topic} --uncommitted`)).toEqual(['kept', 'dropped'])
  })

  it('-g goes on where the group stands and moves it', async () => {
    const topic = await filled(5)
    const group = `group-${topic}`
    expect(await values(`${topic} -g ${group} -n 2`)).toEqual(['v0', 'v1'])
    expect(await values(`${topic} -g ${group} -n 1`)).toEqual(['v2'])
    expect(await values(`${topic} -g ${group}`)).toEqual(['v3', 'v4'])
    expect(await values(`${topic} -g ${group}`)).toEqual([])
    expect(await cluster.admin.groupOffsets(group)).toMatchObject([{ topic, offset: 5 }])
  })

  it.each([
    ['-o middle', 'Give start, end, an offset'],
    ['-o @soon', 'Give a time'],
    ['-n 0', 'whole number from 1'],
    ['-p a', 'whole number'],
    ['--format %x', '%x is not known'],
    ['--filter value.a>', 'it ends too early'],
    ['--timeout soon', 'Give a number and a unit'],
  ])('%s is wrong use', async (args, text) => {
    const { code, out, err } = await cluster.run(`consume some-topic ${args}`)
    expect({ code, out }).toEqual({ code: 2, out: [] })
    expect(err.join('\n')).toContain(text)
  })

  it('exits 3 when no cluster answers, and 2 for a topic that does not exist', async () => {
    const lost = await cluster.run('consume x --brokers 127.0.0.1:1 --connect-timeout 50ms')
    expect(lost).toMatchObject({ code: 3, out: [], err: [expect.stringMatching(/^KAFKA_UNREACHABLE: /)] })
    expect(await cluster.run('consume nowhere')).toMatchObject({ code: 2, out: [] })
  })
})
