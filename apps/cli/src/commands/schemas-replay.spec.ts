import { encodeWire, avroType } from '@keyfold/avro'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envelopeOf } from '../testing/envelope-check.ts'
import { deposited, memo, schemaFolder } from '../testing/schema-folder.ts'
import { startTestCluster, type TestCluster } from '../testing/test-cluster.ts'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await startTestCluster()
})
afterAll(() => cluster.stop())

const subject = (topic: string) => `${topic}-bank.Deposited`

/** A topic with deposits by account: versions 1 and 2 of the event, and one record that is no Avro. */
async function stored(topic: string): Promise<void> {
  const ids = [
    await cluster.register(subject(topic), deposited()),
    await cluster.register(subject(topic), deposited(memo)),
  ]
  const [first, second] = [avroType(deposited()), avroType(deposited(memo))]
  await cluster.admin.createTopic({ name: topic, partitions: 1 })
  const records = [
    [encodeWire(ids[0] ?? 0, first.encode({ amountCents: 100n })), '1', 'a'],
    [encodeWire(ids[0] ?? 0, first.encode({ amountCents: 5n })), '1', 'b'],
    [encodeWire(ids[1] ?? 0, second.encode({ amountCents: 20n, memo: 'x' })), '2', 'a'],
  ] as const
  await cluster.admin.append({
    topic,
    partition: 0,
    records: records.map(([value, version, key], at) => ({
      key: Buffer.from(key),
      value,
      timestampMs: 1_000 + at,
      headers: envelopeHeaders(version, { key, at }),
    })),
  })
}

/** Those that the event store writes: what a replay needs of them. */
function envelopeHeaders(
  version: string,
  { key, at }: { readonly key: string; readonly at: number },
): Record<string, Buffer> {
  const texts = {
    ce_specversion: '1.0',
    ce_id: `event-${at}`,
    ce_type: 'bank.Deposited',
    ce_source: '/bank/account',
    ce_time: new Date(1_000 + at).toISOString(),
    ce_subject: key,
    'content-type': 'application/avro',
    'keyfold-version': version,
    'keyfold-command-id': `command-${at}`,
    'keyfold-command-fingerprint': 'f',
    'keyfold-command-index': '0',
    'keyfold-command-size': '1',
    'keyfold-batch-id': 'batch',
    'keyfold-schema-version': '1',
    'keyfold-owner-epoch': '1',
  }
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)]))
}

describe('schemas stats', () => {
  it('counts the stored records of every version, with progress on stderr', async () => {
    await stored('stats.account')
    const { code, out, err } = await cluster.run(`schemas stats ${subject('stats.account')}`)
    expect(code).toBe(0)
    expect(out[0]).toBe('stats.account: 3 records, 0 of other schemas, 0 without one')
    expect(out.slice(2).map((line) => line.split(/ +/).filter((_, column) => column !== 1))).toEqual([
      ['1', '2', '1970-01-01T00:00:01.000Z', '1970-01-01T00:00:01.001Z', 'no'],
      ['2', '1', '1970-01-01T00:00:01.002Z', '1970-01-01T00:00:01.002Z', 'no'],
    ])
    expect(err.at(-1)).toBe('stats.account: 100 % read')
  })

  it('counts what belongs to others, or to nobody', async () => {
    await stored('mixed.account')
    await cluster.admin.append({
      topic: 'mixed.account',
      partition: 0,
      records: [{ key: null, value: Buffer.from('text'), timestampMs: 1, headers: {} }],
    })
    await cluster.register('other', { type: 'record', name: 'bank.Other', fields: [] })
    const stats = await cluster.run('schemas stats other --topic mixed.account -o json')
    expect(envelopeOf('schemas stats', stats)).toMatchObject({
      data: { topics: [{ records: 4, otherSchemas: 3, withoutSchema: 1, versions: [{ version: 1, records: 0 }] }] },
    })
  })

  it('says when subject or topic do not exist, and when a subject names no topic', async () => {
    expect((await cluster.run('schemas stats nothing')).err.join()).toContain('EVENT_NOT_FOUND')
    await cluster.register('loose', { type: 'record', name: 'bank.Loose', fields: [] })
    expect((await cluster.run('schemas stats loose')).err.join()).toContain('--topic')
    const gone = await cluster.run('schemas stats loose --topic gone')
    expect(gone.code).toBe(2)
    expect(gone.err.join()).toContain('UNKNOWN_TOPIC_OR_PARTITION')
  })
})

describe('schemas verify --replay', () => {
  /** The module of an application whose accounts keep `apply` of every deposit. */
  function moduleOf(home: string, name: string, topic: string, apply: string): string {
    const path = join(home, `${name}.mjs`)
    const library = JSON.stringify(
      pathToFileURL(join(import.meta.dirname, '../../../../libs/eventsourcing/src/index.ts')).href,
    )
    const versions = [deposited(), deposited(memo)].map((schema, index) => ({
      version: index + 1,
      guid: avroType(schema).fingerprint,
      schema,
    }))
    writeFileSync(
      path,
      `import { aggregate, applies, defineEvent } from ${library}
const Deposited = defineEvent({ name: 'bank.Deposited', versions: ${JSON.stringify(versions)} })
export const aggregates = [aggregate({
  name: 'account', topic: ${JSON.stringify(topic)}, initialState: () => ({ cents: 0n }),
  decide: [], evolve: [applies(Deposited, (state, event) => (${apply}))],
})]
`,
    )
    return path
  }

  it('compares two codes on the stored events, and shows by path what differs', async () => {
    await stored('verify.account')
    const { home } = schemaFolder()
    const sum = '{ cents: state.cents + event.amountCents }'
    const before = moduleOf(home, 'before', 'verify.account', sum)
    const same = moduleOf(home, 'same', 'verify.account', `({ ...${sum} })`)
    const after = moduleOf(
      home,
      'after',
      'verify.account',
      '{ cents: event.memo ? state.cents : state.cents + event.amountCents }',
    )
    const equal = await cluster.run(`schemas verify --replay --before ${before} --after ${same}`)
    expect(equal.out[0]).toBe('The states are the same.')
    expect(equal.code).toBe(0)
    const differs = await cluster.run(`schemas verify --replay --before ${before} --after ${after}`)
    expect(differs.code).toBe(1)
    expect(differs.out.slice(0, 3)).toEqual([
      'account a (version 2)',
      '  cents: {"$bigint":"120"} -> {"$bigint":"100"}',
      'The states are not the same.',
    ])
    const part = await cluster.run(
      `schemas verify --replay --before ${before} --after ${after} --sample 0.000001 --json`,
    )
    expect(envelopeOf('schemas verify', part)).toMatchObject({ data: { same: true, aggregates: [{ compared: 0 }] } })
    const json = await cluster.run(`schemas verify --replay --before ${before} --after ${after} -o json`)
    expect(envelopeOf('schemas verify', json)).toMatchObject({
      status: 'found',
      data: { same: false, aggregates: [{ name: 'account', events: 3, same: 1, different: 1 }] },
    })
  })

  it('records the states of today and compares them with the code of tomorrow', async () => {
    await stored('record.account')
    const { home } = schemaFolder()
    const code = moduleOf(home, 'code', 'record.account', '{ cents: state.cents + event.amountCents }')
    const other = moduleOf(home, 'other', 'record.account', '{ cents: state.cents + 1n }')
    const file = join(home, 'states.ndjson')
    const recorded = await cluster.run(`schemas verify --replay --code ${code} --record ${file} -o json`)
    expect(envelopeOf('schemas verify', recorded)).toMatchObject({ data: { recorded: file, states: 2 } })
    expect((await cluster.run(`schemas verify --replay --code ${code} --against ${file}`)).code).toBe(0)
    expect((await cluster.run(`schemas verify --replay --code ${other} --against ${file}`)).code).toBe(1)
    writeFileSync(file, readFileSync(file, 'utf8').split('\n').slice(0, 2).join('\n'))
    const cut = await cluster.run(`schemas verify --replay --code ${code} --against ${file}`)
    expect(cut.code).toBe(2)
    expect(cut.err.join()).toContain('REPLAY_RECORD_INVALID')
  })

  it('says what is wrong with modules, files and options', async () => {
    const { home } = schemaFolder()
    const empty = join(home, 'empty.mjs')
    writeFileSync(empty, 'export const aggregates = []')
    const wrong = join(home, 'wrong.mjs')
    writeFileSync(wrong, 'export const aggregates = [class Account {}]')
    const cases = [
      [`--code ${empty} --record ${home}/x`, 'MODULE_UNUSABLE'],
      [`--code ${wrong} --record ${home}/x`, 'is no aggregate'],
      [`--code ${home}/none.mjs --record ${home}/x`, 'MODULE_UNUSABLE'],
      [`--before ${empty}`, 'USAGE'],
      [`--code ${empty} --sample 2`, 'USAGE'],
    ] as const
    for (const [options, words] of cases) {
      const { code, err } = await cluster.run(`schemas verify --replay ${options}`)
      expect(code, options).toBe(2)
      expect(err.join(), options).toContain(words)
    }
  })
})
