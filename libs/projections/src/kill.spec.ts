import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openProjections, type Projections, SqliteReadModelStore } from './index.ts'
import { balances, codec, Ledger, rowsOf } from './testdata/ledger.ts'

const EVENTS = 15_000
const PROCESS = fileURLToPath(new URL('./testdata/projecting-process.ts', import.meta.url))

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kill-'))
})

afterEach(() => rm(directory, { recursive: true }))

/** Runs the process and kills it some time after it has said `mark`. Answers the last thing it said. */
async function killAfter(mark: 'running' | 'rebuilding', delayMs: number): Promise<string> {
  const task = mark === 'running' ? 'project' : 'rebuild'
  const child = fork(PROCESS, [directory, String(EVENTS), task], { execArgv: ['-C', '@keyfold/source'] })
  let last = 'nothing'
  child.on('message', (message) => {
    last = message as string
    if (last === mark) setTimeout(() => child.kill('SIGKILL'), delayMs)
  })
  await new Promise((resolve) => child.on('exit', resolve))
  return last
}

async function finish(): Promise<{ readonly projections: Projections; readonly ledger: Ledger }> {
  const ledger = new Ledger(2)
  ledger.deposit(EVENTS)
  const stores = { sqlite: new SqliteReadModelStore({ directory }) }
  const projections = await openProjections({ kafka: ledger.kafka, codec, projectors: [balances()], stores })
  await projections.start()
  await projections.caughtUp()
  return { projections, ledger }
}

describe('kill -9', () => {
  it('in the middle of projecting loses no event and applies none twice', async () => {
    const ends = []
    for (const delayMs of [5, 60, 120]) ends.push(await killAfter('running', delayMs + Math.random() * 40))
    expect(ends, 'at least one kill must come before the end').toContain('running')
    const { projections, ledger } = await finish()
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
    await projections.close()
  }, 30_000)

  it('in the middle of a rebuild leaves the serving rows, and the next start ends the rebuild', async () => {
    const ends = []
    for (const delayMs of [10, 100]) ends.push(await killAfter('rebuilding', delayMs + Math.random() * 40))
    expect(ends, 'at least one kill must come before the end').toContain('rebuilding')
    const { projections, ledger } = await finish()
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
    while (projections.status()[0]?.state !== 'live') await new Promise((resolve) => setTimeout(resolve, 5))
    expect(projections.status()[0]?.generation).toBeGreaterThan(1)
    expect(rowsOf(projections.read('balances'))).toEqual(ledger.expected)
    await projections.close()
  }, 30_000)
})
