import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '@keyfold/broker'
import { afterAll, describe, expect, it } from 'vitest'
import { areaNames } from './plans/all.ts'
import { reportOf } from './report.ts'
import { type Contestant, runDifferential, type RunResult } from './run.ts'

/** The harness itself, without Java: the bundled broker beside another one. */
const settings = { 'group.initial.rebalance.delay.ms': 0, 'auto.create.topics.enable': false }

const directory = mkdtempSync(join(tmpdir(), 'keyfold-differential-spec-'))
const running: Twin[] = []

afterAll(async () => {
  await Promise.all(running.map((twin) => twin.end()))
  rmSync(directory, { recursive: true })
})

function run(kafka: Contestant, ours: Contestant, areas = areaNames): Promise<RunResult> {
  return runDifferential({
    seed: 11,
    operations: 100,
    areas,
    stopAtFirst: true,
    restarts: 1,
    quietMs: 400,
    kafka,
    ours,
  })
}

describe('the differential harness', () => {
  it('finds no difference between a broker and its twin, also after both have started anew', async () => {
    const result = await run(await twin(), await twin())
    expect(reportOf(result)).toBe('')
    expect(result.operations).toBe(100)
    expect(result.steps.map(({ operation }) => operation.restart)).toContain('kill')
  })

  it('ends at the first difference, and tells what led to it', async () => {
    const result = await run(await twin(), await twin({ 'message.max.bytes': 200 }), ['produce'])
    const report = reportOf(result)
    expect(report).toContain('First difference: operation')
    expect(report).toContain('What led to it (about topic-')
    expect(result.operations).toBeLessThan(100)
  })
})

interface Twin extends Contestant {
  end(): Promise<void>
}

/** A broker in this process, which cannot be killed: either way it is closed. */
async function twin(config: Readonly<Record<string, number>> = {}): Promise<Twin> {
  const options = { dataDirectory: join(directory, `${running.length}`), config: { ...settings, ...config } }
  let broker = await startBroker(options)
  const { address, port } = broker
  const contestant = {
    address,
    async restart() {
      await broker.close()
      broker = await startBroker({ ...options, port })
    },
    end: () => broker.close(),
  }
  running.push(contestant)
  return contestant
}
