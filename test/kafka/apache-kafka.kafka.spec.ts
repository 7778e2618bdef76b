import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaClientContract } from '@keyfold/kafka/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runBank } from '../bank-process.ts'
import { type ApacheKafka, startApacheKafka } from './apache-kafka.ts'

let kafka: ApacheKafka
beforeAll(async () => {
  kafka = await startApacheKafka()
}, 300_000)
afterAll(() => kafka.stop())

describe('the bank on an Apache Kafka', () => {
  it('plays the same tour, and finds everything the second time', { timeout: 120_000 }, async () => {
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
})

kafkaClientContract({ name: 'an Apache Kafka', start: () => Promise.resolve({ brokers: [kafka.address] }) })
