import { startBroker } from '@keyfold/broker'
import { connectKafka, type KafkaClient } from '@keyfold/kafka'
import { type RunningRegistry, startRegistry } from '@keyfold/registry'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, millis, printTable, whole } from '../figures.ts'

const SCHEMAS = Number(process.env['KEYFOLD_BENCH_SCHEMAS'] ?? 10_000)
const VERSIONS_PER_SUBJECT = 4
const STARTS = 5
const LOOK_UPS = 40_000
const REGISTRATIONS = 500

/**
 * What the registry costs: a start on a topic with many schemas, look-ups by id, registrations. Broker, registry and
 * clients share this process, so a server of its own would do better. CPU is that of the whole process.
 */
async function main(): Promise<void> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'keyfold-bench-registry-'))
  const broker = await startBroker({ dataDirectory, port: 0 })
  const kafka = await connectKafka({ brokers: [broker.address], clientId: 'bench' })
  try {
    await fill(kafka)
    const rows = [await benchStart(kafka)]
    const registry = await startRegistry({ kafka, port: 0 })
    for (const connections of [1, 16, 64]) rows.push(await benchLookUps(registry, connections))
    for (const connections of [1, 32]) rows.push(await benchRegistrations(registry, connections))
    await registry.close()
    printTable(`Schema registry, ${whole(SCHEMAS)} schemas in _schemas`, ['what', 'figure', 'CPU'], rows)
  } finally {
    await kafka.close()
    await broker.close()
    await rm(dataDirectory, { recursive: true, force: true })
  }
}

type Row = readonly [what: string, figure: string, cpu: string]

/** Records as a registry writes them, a few hundred at a time. */
async function fill(kafka: KafkaClient): Promise<void> {
  await kafka.ensureTopics([{ name: '_schemas', partitions: 1, configs: { 'cleanup.policy': 'compact' } }])
  const producer = await kafka.openTransactionalProducer({ transactionalId: 'bench', transactionTimeoutMs: 60_000 })
  for (let first = 1; first <= SCHEMAS; first += 500) {
    const records = Array.from({ length: Math.min(500, SCHEMAS - first + 1) }, (_, index) =>
      schemaRecord(first + index),
    )
    const outcome = await producer.commit([{ topic: '_schemas', partition: 0, records }])
    if (outcome.kind !== 'committed') throw outcome.error
  }
  await producer.close()
}

function schemaRecord(id: number): { readonly key: Buffer; readonly value: Buffer } {
  const subject = `bank.account-bank.Event${Math.floor((id - 1) / VERSIONS_PER_SUBJECT)}`
  const version = ((id - 1) % VERSIONS_PER_SUBJECT) + 1
  const value = { subject, version, id, schemaType: 'AVRO', schema: schemaText(id), deleted: false }
  const key = `{"keytype":"SCHEMA","subject":"${subject}","version":${version},"magic":1}`
  return { key: Buffer.from(key), value: Buffer.from(JSON.stringify(value)) }
}

/** A dozen fields, 900 bytes. */
function schemaText(id: number): string {
  const fields = Array.from({ length: 12 }, (_, index) => ({
    name: `field${index}`,
    type: index % 3 === 0 ? ['null', 'string'] : 'long',
    doc: `What field ${index} of ${id} means`,
    default: index % 3 === 0 ? null : 0,
  }))
  return JSON.stringify({ type: 'record', name: `Event${id}`, namespace: 'bank', doc: 'Something happened', fields })
}

async function benchStart(kafka: KafkaClient): Promise<Row> {
  const times: number[] = []
  const cpu: number[] = []
  for (let round = 0; round < STARTS; round++) {
    const [wallMs, cpuMs] = await measured(
      async () => {
        const registry = await startRegistry({ kafka, port: 0 })
        if (registry.registry.state.subjectNames().length !== Math.ceil(SCHEMAS / VERSIONS_PER_SUBJECT))
          throw new Error('schemas are missing')
        return registry
      },
      (registry) => registry.close(),
    )
    times.push(wallMs)
    cpu.push(cpuMs)
  }
  return [`start, median of ${STARTS}`, millis(median(times)), millis(median(cpu))]
}

async function measured<Result>(
  work: () => Promise<Result>,
  after: (result: Result) => Promise<void>,
): Promise<readonly [wallMs: number, cpuMs: number]> {
  const before = process.cpuUsage()
  const startedAt = performance.now()
  const result = await work()
  const wallMs = performance.now() - startedAt
  const { user, system } = process.cpuUsage(before)
  await after(result)
  return [wallMs, (user + system) / 1000]
}

function benchLookUps(registry: RunningRegistry, connections: number): Promise<Row> {
  let id = 0
  const send = (call: Call) => call('GET', `/schemas/ids/${((id++ * 7919) % SCHEMAS) + 1}`)
  return benchRequests(registry, { what: 'look-ups by id', count: LOOK_UPS, connections, send })
}

let registered = SCHEMAS

function benchRegistrations(registry: RunningRegistry, connections: number): Promise<Row> {
  const send = (call: Call) => {
    const schema = schemaText(++registered)
    return call('POST', `/subjects/fresh${registered}/versions`, JSON.stringify({ schema }))
  }
  return benchRequests(registry, { what: 'new schemas registered', count: REGISTRATIONS, connections, send })
}

type Call = (method: string, path: string, body?: string) => Promise<void>

async function benchRequests({ url }: RunningRegistry, { what, count, connections, send }: Requests): Promise<Row> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const call = callerOf(url, agent)
  let left = count
  const client = async (): Promise<void> => {
    while (left-- > 0) await send(call)
  }
  const [wallMs, cpuMs] = await measured(
    () => Promise.all(Array.from({ length: connections }, client)),
    async () => agent.destroy(),
  )
  const perSecond = `${whole((count * 1000) / wallMs)} per second`
  return [
    `${what}, ${connections} connection${connections === 1 ? '' : 's'}`,
    perSecond,
    `${((cpuMs * 1000) / count).toFixed(0)} µs each`,
  ]
}

interface Requests {
  readonly what: string
  readonly count: number
  readonly connections: number
  readonly send: (call: Call) => Promise<void>
}

function callerOf(url: string, agent: Agent): Call {
  const { hostname, port } = new URL(url)
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' }
      const sent = request({ hostname, port, path, method, agent, headers }, (response) => {
        response.resume()
        if (response.statusCode !== 200) reject(new Error(`${method} ${path}: ${response.statusCode}`))
        else response.on('end', resolve)
      })
      sent.on('error', reject)
      sent.end(body)
    })
}

await main()
