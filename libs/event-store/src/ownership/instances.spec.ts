import { randomUUID } from 'node:crypto'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { EventStore } from '../event-store.ts'
import { Callers } from '../testing/callers.ts'
import { SharedCounters } from '../testing/shared-counters.ts'

const sessionTimeoutMs = 2_000
const patience = { timeout: 60_000, interval: 10 }
const program = fileURLToPath(new URL('../testing/instance-process.ts', import.meta.url))

describe('instances that are processes of their own', () => {
  const topic = `counter-${randomUUID()}`
  const children = new Set<ChildProcess>()
  let counters: SharedCounters
  let callers: Callers
  let api: EventStore

  beforeAll(async () => {
    counters = await SharedCounters.start({ 'group.min.session.timeout.ms': 500 })
    api = await counters.open(topic, { role: 'api', heartbeatIntervalMs: 100 })
    await Promise.all([start(), start(), start()])
    await shares([2, 2, 2])
    callers = new Callers([api])
  }, 60_000)

  afterAll(async () => {
    for (const child of children) {
      child.kill('SIGCONT')
      child.kill('SIGKILL')
    }
    await counters.stop()
  })

  it('take over from one that was killed and one that stands still', { timeout: 90_000 }, async () => {
    await callers.progress()
    callers.slowestMs = 0
    const [victim, frozen] = children
    frozen?.kill('SIGSTOP')
    victim?.kill('SIGKILL')
    await gone(victim)
    await shares([6])
    // Every caller is answered again: all six partitions have their owner.
    await callers.progress()
    print(
      `take-over: the slowest command took ${callers.slowestMs.toFixed(0)} ms, session time-out ${sessionTimeoutMs} ms`,
    )
    expect(callers.failed).toEqual([])
  })

  it(
    'give one that stood still a share again, though it believed that it still had one',
    { timeout: 90_000 },
    async () => {
      const [frozen] = children
      frozen?.kill('SIGCONT')
      await shares([3, 3])
      await callers.progress()
      expect(callers.failed).toEqual([])
    },
  )

  it('hand their partitions over when they close, and everything is stored once', { timeout: 90_000 }, async () => {
    callers.slowestMs = 0
    const [, leaving] = children
    leaving?.kill('SIGTERM')
    await gone(leaving)
    await shares([6])
    await callers.progress()
    print(`planned move: the slowest command took ${callers.slowestMs.toFixed(0)} ms`)
    expect(await callers.stop()).toEqual([])
    await callers.expectAllStored(api, topic)
  })

  async function start(): Promise<void> {
    const args = ['-C', '@keyfold/source', '--no-warnings', program, counters.broker, topic, `${sessionTimeoutMs}`]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    children.add(child)
    const [said] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown]
    expect(String(said)).toBe('ready\n')
  }

  async function gone(child: ChildProcess | undefined): Promise<void> {
    if (child === undefined) throw new TypeError('there is no such child')
    children.delete(child)
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }

  async function shares(expected: readonly number[]): Promise<void> {
    await vi.waitUntil(async () => JSON.stringify(await counters.shares(topic)) === JSON.stringify(expected), patience)
  }
})

function print(line: string): void {
  process.stdout.write(`  ${line}\n`)
}
