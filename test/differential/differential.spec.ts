import { type RunningBroker, startBroker } from '@keyfold/broker'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { read } from '../tidy/tree.ts'
import { knownDifferences } from './known-differences.ts'
import { areaNames } from './plans/all.ts'
import { reportOf } from './report.ts'
import { runDifferential, type RunResult } from './run.ts'

/** The harness itself, without Java: the bundled broker beside another one. */
const settings = { 'group.initial.rebalance.delay.ms': 0, 'auto.create.topics.enable': false }

let first: RunningBroker
let second: RunningBroker
let other: RunningBroker

beforeAll(async () => {
  first = await startBroker({ memory: true, config: settings })
  second = await startBroker({ memory: true, config: settings })
  other = await startBroker({ memory: true, config: { ...settings, 'message.max.bytes': 200 } })
})

afterAll(() => Promise.all([first, second, other].map((broker) => broker.close())))

function run(kafka: RunningBroker, ours: RunningBroker, areas = areaNames): Promise<RunResult> {
  const addresses = { kafka: kafka.address, ours: ours.address }
  return runDifferential({ seed: 11, operations: 100, areas, stopAtFirst: true, addresses })
}

describe('the differential harness', () => {
  it('finds no difference between a broker and its twin', async () => {
    const result = await run(first, second)
    expect(reportOf(result)).toBe('')
    expect(result.operations).toBe(100)
  })

  it('ends at the first difference, and tells what led to it', async () => {
    const result = await run(await fresh(), other, ['produce'])
    const report = reportOf(result)
    expect(report).toContain('First difference: operation')
    expect(report).toContain('What led to it (about topic-')
    expect(result.operations).toBeLessThan(100)
  })
})

describe('a meant difference', () => {
  it.each(knownDifferences.map(({ name }) => name))('%s has its row in the table', (name) => {
    expect(read('docs/broker-differences.md')).toContain(name)
  })
})

/** Names of the script must be new to a broker. */
async function fresh(): Promise<RunningBroker> {
  await second.close()
  second = await startBroker({ memory: true, config: settings })
  return second
}
