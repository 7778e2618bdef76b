import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { EventStore } from '@keyfold/event-store'
import { Note } from '../../libs/event-store/src/testing/counter.ts'
import { SharedCounters } from '../../libs/event-store/src/testing/shared-counters.ts'
import { endProcess } from '../../test/end-process.ts'
import { ROOT } from '../../test/tidy/tree.ts'
import { millis, printTable, whole } from '../figures.ts'

const program = join(ROOT, 'libs/event-store/src/testing/instance-process.ts')
const sessionTimeoutMs = 2_000
const counters = 24
const settleMs = 500

/** What callers feel of it when an instance leaves, or is killed: three processes share six partitions. */
export async function benchHandOver(): Promise<void> {
  const shared = await SharedCounters.start({ 'group.min.session.timeout.ms': 500 })
  const topic = `bench-${crypto.randomUUID()}`
  const api = await shared.open(topic, { role: 'api', heartbeatIntervalMs: 100 })
  const start = () => launch(shared.broker, topic)
  const [leaving, dying, staying] = [start(), start(), start()]
  try {
    await Promise.all([leaving, dying, staying].map(ready))
    await sharesAre(shared, topic, '2,2,2')
    const callers = new Waiting(api)
    const moved = await callers.through(() => endProcess(leaving, 'SIGTERM'), shared, topic, '3,3')
    const killed = await callers.through(() => endProcess(dying, 'SIGKILL'), shared, topic, '6')
    await callers.stop()
    print(moved, killed)
  } finally {
    await Promise.all([leaving, dying, staying].map((child) => endProcess(child, 'SIGTERM')))
    await shared.stop()
  }
}

function print(moved: readonly string[], killed: readonly string[]): void {
  printTable(
    `Partitions change hands under ${counters} callers, session time-out ${sessionTimeoutMs} ms`,
    ['', 'slowest command', 'commands', 'failed'],
    [
      ['planned move', ...moved],
      ['kill -9', ...killed],
    ],
  )
}

/** Callers that never stop, one per counter; each waits for its answer. */
class Waiting {
  readonly #running: readonly Promise<void>[]
  readonly #sent = Array.from({ length: counters }, () => 0)
  #stopped = false
  #slowestMs = 0
  #commands = 0
  #failed = 0

  constructor(store: EventStore) {
    this.#running = this.#sent.map((_, index) => this.#call(store, index))
  }

  /** Figures from before something happens until every caller was answered after it. */
  async through(
    happen: () => Promise<unknown>,
    shared: SharedCounters,
    topic: string,
    shares: string,
  ): Promise<string[]> {
    await this.#answered()
    ;[this.#slowestMs, this.#commands, this.#failed] = [0, 0, 0]
    await happen()
    await sharesAre(shared, topic, shares)
    await this.#answered()
    await delay(settleMs)
    return [millis(this.#slowestMs), whole(this.#commands), whole(this.#failed)]
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running)
  }

  async #call(store: EventStore, index: number): Promise<void> {
    while (!this.#stopped) {
      const startedAt = performance.now()
      const outcome = await store.execute(new Note({ id: `counter-${index}`, text: 'x' }))
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedAt)
      this.#commands += 1
      if (outcome.kind !== 'committed') this.#failed += 1
      this.#sent[index] = (this.#sent[index] ?? 0) + 1
      // Callers that hurry would measure the queue.
      await delay(5)
    }
  }

  async #answered(): Promise<void> {
    const before = [...this.#sent]
    while (this.#sent.some((count, index) => count < (before[index] ?? 0) + 2)) await delay(10)
  }
}

function launch(broker: string, topic: string) {
  const args = ['-C', '@keyfold/source', '--no-warnings', program, broker, topic, `${sessionTimeoutMs}`]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function ready(child: ReturnType<typeof launch>): Promise<void> {
  const said = await Promise.race([once(child.stdout, 'data').then(String), once(child, 'exit').then(() => 'gone')])
  if (said !== 'ready\n') throw new Error('an instance ended before it was ready')
}

async function sharesAre(shared: SharedCounters, topic: string, expected: string): Promise<void> {
  while ((await shared.shares(topic)).join() !== expected) await delay(20)
}
