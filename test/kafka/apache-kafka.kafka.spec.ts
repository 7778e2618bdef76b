import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaClientContract, kafkaGroupsContract } from '@keyfold/kafka/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runBank } from '../bank-process.ts'
import { type ApacheKafka, startApacheKafka } from './apache-kafka.ts'
import { whyNoKafka } from './distribution.ts'
import { runTool } from './tools.ts'

const missing = whyNoKafka()
if (missing !== undefined) process.stdout.write(`The lane against Apache Kafka is skipped: ${missing}.\n`)

describe.skipIf(missing !== undefined)('on an Apache Kafka', () => {
  let kafka: ApacheKafka
  beforeAll(async () => {
    kafka = await startApacheKafka()
  }, 300_000)
  afterAll(() => kafka.stop())

  it('the bank plays the same tour, and finds everything the second time', { timeout: 120_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'keyfold-on-kafka-'))
    const args = ['--once', '--port', '0', '--data', directory]
    const first = await runBank(args, { KAFKA_BROKERS: kafka.address })
    expect(first.stderr).toBe('')
    expect(first.exitCode).toBe(0)
    expect(first.stdout).toContain('(Apache Kafka)')
    expect(first.stdout).toContain('rebuilt equals live')

    const second = await runBank(args, { KAFKA_BROKERS: kafka.address })
    expect(second.exitCode).toBe(0)
    expect(second.stdout).toContain('Alice: $360.00')
    await rm(directory, { recursive: true })
  })

  it('its tools run, and a node that was frozen or killed comes back', { timeout: 120_000 }, async () => {
    const [node] = kafka.nodes
    node?.pause()
    node?.resume()
    await node?.kill()
    await node?.start()
    expect(await node?.residentMib()).toBeGreaterThan(50)
    const topics = await runTool('topics', ['--bootstrap-server', kafka.address, '--list'])
    expect(topics).toMatchObject({ exitCode: 0 })
  })

  kafkaGroupsContract({ name: 'an Apache Kafka', start: () => Promise.resolve({ brokers: [kafka.address] }) })
  for (const transactionVersionMax of [2, 1] as const)
    kafkaClientContract({
      name: `an Apache Kafka, with transactions of version ${transactionVersionMax}`,
      start: () => Promise.resolve({ brokers: [kafka.address] }),
      options: { transactionVersionMax },
    })
})
