import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envelopeOf } from '../testing/envelope-check.ts'
import { startTestCluster, type TestCluster } from '../testing/test-cluster.ts'

let cluster: TestCluster

beforeAll(async () => {
  cluster = await startTestCluster()
})

afterAll(() => cluster.stop())

let topics = 0

async function newTopic(partitions = 2): Promise<string> {
  const name = `topic-${topics++}`
  await cluster.admin.createTopic({ name, partitions })
  return name
}

async function append(topic: string, partition: number, values: readonly string[], timestampMs = Date.now()) {
  const records = values.map((value) => ({ key: null, value: Buffer.from(value), timestampMs }))
  return cluster.admin.append({ topic, partition, records })
}

describe('keyfold topics', () => {
  it('create makes a topic with its settings, and says so on stdout alone', async () => {
    expect(await cluster.run('topics create made -p 3 -c retention.ms=-1 -c cleanup.policy=compact')).toEqual({
      code: 0,
      out: ['topic made created'],
      err: [],
    })
    expect(await cluster.admin.describeTopic('made')).toMatchObject({ partitions: 3 })
    const again = await cluster.run('topics create made')
    expect(again).toMatchObject({ code: 2, out: [], err: [expect.stringMatching(/^TOPIC_EXISTS: .*made/)] })
  })

  it('create --dry-run makes none; the broker’s refusal is an envelope, too', async () => {
    expect(await cluster.run('topics create dry --dry-run')).toMatchObject({
      code: 0,
      out: ['topic dry would be created'],
    })
    await expect(cluster.admin.describeTopic('dry')).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    const refused = await cluster.run('topics create bad -c retention.ms=soon --json')
    expect(refused.code).toBe(2)
    expect(envelopeOf('topics create', refused)).toMatchObject({ status: 'error', data: null })
    expect(refused.err).toEqual([expect.stringMatching(/^TOPIC_REFUSED: .*retention\.ms/)])
  })

  it('list prints a table for people, columns for cut, names for loops, objects for programs', async () => {
    const name = await newTopic()
    const table = await cluster.run('topics list')
    expect(table.out[0]).toMatch(/^TOPIC +PARTITIONS +REPLICAS$/)
    expect((await cluster.run('topics list -o plain')).out).toContain(`${name}\t2\t1`)
    expect((await cluster.run('topics list -q')).out).toContain(name)
    const lines = (await cluster.run('topics list -o ndjson')).out.map((line) => JSON.parse(line) as unknown)
    expect(lines).toContainEqual({ name, partitions: 2, replicationFactor: 1, isInternal: false })
    expect(envelopeOf('topics list', await cluster.run('topics list --json')).status).toBe('ok')
  })

  it('describe has the offsets of every partition', async () => {
    const name = await newTopic()
    await append(name, 1, ['a', 'b'])
    const { data } = envelopeOf('topics describe', await cluster.run(`topics describe ${name} --json`))
    expect(data).toMatchObject({ name, partitions: [{ endOffset: 0 }, { startOffset: 0, endOffset: 2 }] })
    expect((await cluster.run(`topics describe ${name}`)).out[0]).toMatch(new RegExp(`^topic ${name} \\(id .{22}\\)$`))
    expect(await cluster.run('topics describe nowhere')).toMatchObject({
      code: 2,
      out: [],
      err: [expect.stringMatching(/^UNKNOWN_TOPIC_OR_PARTITION: topic nowhere does not exist\./)],
    })
  })

  it('config sets, shows and takes back', async () => {
    const name = await newTopic()
    const set = await cluster.run(`topics config ${name} --set retention.ms=5000 --json`)
    expect(envelopeOf('topics config', set).data).toMatchObject({
      isChanged: true,
      configs: [{ name: 'retention.ms', value: '5000', source: 'topic' }],
    })
    expect((await cluster.run(`topics config ${name} --unset retention.ms -o plain`)).out).toEqual([])
    expect((await cluster.run(`topics config ${name} --all -o plain`)).out.length).toBeGreaterThan(10)
    expect(await cluster.run(`topics config ${name} --set a=b --unset a`)).toMatchObject({ code: 2, out: [] })
    expect(await cluster.run(`topics config ${name} --set retention.ms=1 --dry-run`)).toMatchObject({ code: 0 })
    expect((await cluster.run(`topics config ${name} -o plain`)).out).toEqual([])
  })

  it('delete refuses without a yes, asks at a terminal, and does it with --yes', async () => {
    const [one, two] = [await newTopic(), await newTopic()]
    const refused = await cluster.run(`topics delete ${one}`)
    expect(refused).toMatchObject({ code: 5, out: [], err: [expect.stringMatching(/^CONFIRMATION_NEEDED: /)] })
    expect(await cluster.run(`topics delete ${one}`, { terminal: true, answer: 'n' })).toMatchObject({ code: 5 })
    expect(await cluster.run(`topics delete ${one} --no-input`, { terminal: true, answer: 'y' })).toMatchObject({
      code: 5,
    })
    await cluster.admin.describeTopic(one)
    expect(await cluster.run(`topics delete ${one}`, { terminal: true, answer: 'y' })).toMatchObject({ code: 0 })
    const deleted = await cluster.run(`topics delete ${two} --yes --json`)
    expect(envelopeOf('topics delete', deleted).data).toEqual({ deleted: [two], failed: [] })
    expect(await cluster.run(`topics delete ${two} --yes`)).toMatchObject({ code: 2 })
  })

  it('trim shows what it would do, and does it with --execute', async () => {
    const name = await newTopic()
    await append(name, 0, ['a', 'b', 'c'])
    const dry = await cluster.run(`topics trim ${name} --before 2 --json`)
    expect(envelopeOf('topics trim', dry)).toMatchObject({
      data: { isExecuted: false, partitions: [{ newStartOffset: 2, deleted: 2 }, { deleted: 0 }] },
      diagnostics: [{ code: 'DRY_RUN' }],
    })
    expect(await cluster.admin.offsets(name, 'earliest')).toEqual([0, 0])
    expect(await cluster.run(`topics trim ${name} --before 2 --execute`)).toMatchObject({ code: 0, err: [] })
    expect(await cluster.admin.offsets(name, 'earliest')).toEqual([2, 0])
    await cluster.run(`topics trim ${name} --all --partitions 0 --execute`)
    expect(await cluster.admin.offsets(name, 'earliest')).toEqual([3, 0])
  })

  it('trim --before-time keeps what is younger', async () => {
    const name = await newTopic(1)
    await append(name, 0, ['old'], Date.parse('2026-01-01T00:00Z'))
    await append(name, 0, ['young'], Date.parse('2026-01-03T00:00Z'))
    await cluster.run(`topics trim ${name} --before-time 2026-01-02 --execute`)
    expect(await cluster.admin.offsets(name, 'earliest')).toEqual([1])
  })

  it.each([
    ['topics trim x', 'exactly one of'],
    ['topics trim x --all --before 1', 'exactly one of'],
    ['topics trim x --before -1', 'whole number'],
    ['topics trim x --before-time soon', 'Give a time'],
    ['topics trim x --all -p 0,a', 'whole number'],
    ['topics create x -p 0', 'whole number from 1'],
    ['topics create x -r many', 'whole number'],
    ['topics create x -c retention', 'key=value'],
    ['topics config x --unset ,', 'names with commas'],
    ['topics describe', "missing required argument 'topic'"],
    ['topics lsit', 'Did you mean list?'],
  ])('%s is refused with a sentence', async (args, text) => {
    const { code, out, err } = await cluster.run(args)
    expect({ code, out }).toEqual({ code: 2, out: [] })
    expect(err).toEqual([expect.stringMatching(/^USAGE: .+ Fix: .+ More: keyfold explain USAGE$/)])
    expect(err[0]).toContain(text)
  })
})
