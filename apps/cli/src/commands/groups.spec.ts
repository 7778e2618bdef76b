import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envelopeOf } from '../testing/envelope-check.ts'
import { startTestCluster, type TestCluster } from '../testing/test-cluster.ts'

let cluster: TestCluster
let directory: string
let names = 0

beforeAll(async () => {
  cluster = await startTestCluster()
  directory = await mkdtemp(join(tmpdir(), 'keyfold-groups-'))
})

afterAll(async () => {
  await cluster.stop()
  await rm(directory, { recursive: true })
})

/** A topic with ten records, one a second from the beginning of 2026, and a group that stands at 4. */
async function newGroup() {
  const topic = `topic-${names}`
  const group = `group-${names++}`
  await cluster.admin.createTopic({ name: topic, partitions: 1 })
  const records = Array.from({ length: 10 }, (_, n) => ({
    key: null,
    value: Buffer.from(String(n)),
    timestampMs: Date.parse('2026-01-01T00:00Z') + n * 1_000,
  }))
  await cluster.admin.append({ topic, partition: 0, records })
  await cluster.admin.setGroupOffsets(group, [{ topic, partition: 0, offset: 4 }])
  return { topic, group }
}

const standsAt = async (group: string) => (await cluster.admin.groupOffsets(group)).map(({ offset }) => offset)

/** A member that has its partitions, and how it leaves. */
async function joinGroup(group: string, topic: string): Promise<() => Promise<void>> {
  const kafka = new Kafka({ brokers: [cluster.brokers], clientId: 'reader', logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ autoCommit: false, eachMessage: async () => undefined })
  const assigned = async () => (await cluster.admin.describeGroup(group)).members.flatMap((each) => each.assignment)
  await expect.poll(assigned, { timeout: 10_000 }).toHaveLength(1)
  return () => consumer.disconnect()
}

describe('keyfold groups', () => {
  it('list and describe say who reads what, and where the group stands', async () => {
    const { topic, group } = await newGroup()
    const leave = await joinGroup(group, topic)
    const listed = envelopeOf('groups list', await cluster.run('groups list --json'))
    expect(listed.data).toContainEqual({ group, type: 'classic', protocolType: 'consumer', state: 'Stable' })
    expect((await cluster.run('groups list -q')).out).toContain(group)
    const { data } = envelopeOf('groups describe', await cluster.run(`groups describe ${group} --json`))
    expect(data).toMatchObject([
      {
        group,
        state: 'Stable',
        members: [{ clientId: 'reader', assignment: [{ topic, partition: 0 }] }],
        offsets: { lag: 6, partitions: [{ topic, partition: 0, offset: 4, endOffset: 10, lag: 6 }] },
      },
    ])
    expect((await cluster.run(`groups describe ${group}`)).out[0]).toMatch(/^group .+: classic, Stable, assignor /)
    await leave()
    const missing = await cluster.run('groups describe nobody')
    expect(missing).toMatchObject({ code: 2, out: [], err: [expect.stringMatching(/^GROUP_NOT_FOUND: /)] })
  })

  it('lag is a probe: it exits 1 when a group is over the limit, and only then', async () => {
    const { topic, group } = await newGroup()
    expect((await cluster.run(`groups lag ${group} -o plain`)).out).toEqual([`${group}\tEmpty\t${topic}\t0\t4\t10\t6`])
    expect(await cluster.run(`groups lag ${group} --fail-over 6`)).toMatchObject({ code: 0, err: [] })
    const over = await cluster.run(`groups lag ${group} --fail-over 5 --json`)
    expect(over.code).toBe(1)
    expect(envelopeOf('groups lag', over)).toMatchObject({
      status: 'found',
      data: [{ group, lag: 6, isOver: true }],
      diagnostics: [{ code: 'LAG_OVER_LIMIT' }],
    })
  })

  it('lag --watch says it again and again, until it is over the limit or Ctrl-C', async () => {
    const { topic, group } = await newGroup()
    let sent: Promise<unknown> = Promise.resolve()
    const watched = await cluster.run(`groups lag ${group} --watch --every 1ms --fail-over 6 -o ndjson`, {
      onLine: (_line, { lines }) => {
        if (lines.length === 3) sent = cluster.run(`produce ${topic} -v more`)
      },
    })
    await sent
    expect(watched.code).toBe(1)
    expect(watched.out.map((line) => (JSON.parse(line) as { isOver: boolean }).isOver).slice(0, 3)).not.toContain(true)
    expect(watched.out.at(-1)).toContain('"isOver":true')
    const stopped = await cluster.run(`groups lag ${group} --watch`, { onLine: (_line, world) => world.interrupt() })
    expect(stopped).toMatchObject({ code: 130, out: [`${group}\tEmpty\t7`] })
  })

  it('reset shows what it would do, and does it with --execute', async () => {
    const { topic, group } = await newGroup()
    const dry = await cluster.run(`groups reset ${group} --to earliest --json`)
    expect(dry.code).toBe(0)
    expect(envelopeOf('groups reset', dry)).toMatchObject({
      data: { group, isExecuted: false, partitions: [{ topic, partition: 0, from: 4, to: 0 }] },
      diagnostics: [{ code: 'DRY_RUN' }],
    })
    expect(await standsAt(group)).toEqual([4])
    expect(await cluster.run(`groups reset ${group} --to earliest --execute`)).toMatchObject({ code: 0, err: [] })
    expect(await standsAt(group)).toEqual([0])
  })

  it.each([
    ['latest', 10],
    ['offset --offset 7', 7],
    ['offset --offset 99', 10],
    ['time --time 2026-01-01T00:00:03', 3],
    ['time --time 2027-01-01', 10],
    ['duration --ago 1d', 10],
  ])('reset --to %s', async (to, expected) => {
    const { group } = await newGroup()
    expect(await cluster.run(`groups reset ${group} --to ${to} --execute`)).toMatchObject({ code: 0 })
    expect(await standsAt(group)).toEqual([expected])
  })

  it('reset takes over another group, carries out a plan, and makes a group for --topics', async () => {
    const { topic, group } = await newGroup()
    const plan = join(directory, 'plan.json')
    await cluster.run(`groups reset copy --to group --from-group ${group} --execute`)
    expect(await standsAt('copy')).toEqual([4])
    await cluster.run(`groups reset ${group} --to offset --offset 2 --plan ${plan}`)
    expect(await standsAt(group)).toEqual([4])
    expect(JSON.parse(await readFile(plan, 'utf8'))).toMatchObject({ group, partitions: [{ topic, from: 4, to: 2 }] })
    await cluster.run(`groups reset ${group} --to file --file ${plan} --execute`)
    expect(await standsAt(group)).toEqual([2])
    await cluster.run(`groups reset made --to latest --topics ${topic} --execute`)
    expect(await standsAt('made')).toEqual([10])
  })

  it('reset refuses a group with members: exit code 5, and says what to do', async () => {
    const { topic, group } = await newGroup()
    const leave = await joinGroup(group, topic)
    for (const execute of ['', ' --execute']) {
      const refused = await cluster.run(`groups reset ${group} --to earliest${execute}`)
      expect(refused).toMatchObject({
        code: 5,
        out: [],
        err: [expect.stringMatching(/^GROUP_IN_USE: .*reader.* Fix: Stop/)],
      })
    }
    const reading = await cluster.run(`consume ${topic} -g ${group}`)
    expect(reading).toMatchObject({ code: 5, out: [], err: [expect.stringMatching(/^GROUP_IN_USE: /)] })
    await leave()
    const members = async () => (await cluster.admin.describeGroup(group)).members
    await expect.poll(members, { timeout: 10_000 }).toEqual([])
    expect(await cluster.run(`groups reset ${group} --to earliest --execute`)).toMatchObject({ code: 0 })
  })

  it('a plan that cannot be read or written is said by name', async () => {
    const { group } = await newGroup()
    const path = join(directory, 'wrong.json')
    await writeFile(path, '{"partitions":[{"topic":"a"}]}')
    const reset = (args: string) => cluster.run(`groups reset ${group} ${args}`)
    expect(await reset(`--to file --file ${path}`)).toMatchObject({
      code: 2,
      err: [expect.stringContaining('is not a plan')],
    })
    await writeFile(path, '{')
    expect(await reset(`--to file --file ${path}`)).toMatchObject({
      code: 2,
      err: [expect.stringContaining('not JSON')],
    })
    expect(await reset(`--to file --file ${path}.no`)).toMatchObject({
      code: 2,
      err: [expect.stringMatching(/^FILE_UNREADABLE/)],
    })
    expect(await reset(`--to latest --plan ${directory}/no/p`)).toMatchObject({
      code: 2,
      err: [expect.stringMatching(/^FILE_UNWRITABLE/)],
    })
  })

  it.each([
    ['groups reset g', "required option '--to <target>'"],
    ['groups reset g --to middle', 'Allowed choices are earliest'],
    ['groups reset g --to offset', '--to offset needs --offset'],
    ['groups reset g --to latest --offset 1', '--offset does not go with --to latest'],
    ['groups reset g --to time --time soon', 'Give a time'],
    ['groups reset g --to duration --ago long --topics a', '--ago long is not a duration'],
    ['groups reset nobody --to latest', 'there is no group nobody'],
    ['groups reset nobody --to group --from-group noone', 'group noone has no offsets'],
    ['groups lag --fail-over -1', 'whole number'],
    ['groups lag --watch --every often', 'Give a number and a unit'],
  ])('%s is refused with a sentence', async (args, text) => {
    const { code, out, err } = await cluster.run(args)
    expect({ code, out }).toEqual({ code: 2, out: [] })
    expect(err.join('\n')).toContain(text)
  })
})
