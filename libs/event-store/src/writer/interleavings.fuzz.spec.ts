import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { InMemoryKafka } from '@keyfold/testing'
import { describe, expect, it } from 'vitest'
import type { CommandOutcome } from '../command-outcome.ts'
import type { StoredEvent } from '../envelope.ts'
import type { EventStore } from '../event-store.ts'
import { Add, limit } from '../testing/counter.ts'
import { type CountersOptions, openCounters, topic } from '../testing/open-counters.ts'

/** What a run is made of: commands of callers, faults of the cluster, and processes that take over. */
type Action =
  | {
      readonly kind: 'command'
      readonly key: string
      readonly amount: number
      readonly times: number
      readonly id: number
    }
  | { readonly kind: 'fault'; readonly fault: 'abort' | 'fence' | 'lose-request' | 'lose-answer' }
  | { readonly kind: 'takeOver' }
  | { readonly kind: 'wait' }

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('command' as const),
      key: fc.constantFrom('a', 'b', 'c'),
      amount: fc.constantFrom(0, 1, 7, 400),
      times: fc.constantFrom(1, 1, 2, 3),
      // Few ids: repeats, also of commands that are at work.
      id: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      fault: fc.constantFrom('abort', 'fence', 'lose-request', 'lose-answer'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'takeOver' } as const) },
  { weight: 3, arbitrary: fc.constant({ kind: 'wait' } as const) },
)

interface Answer {
  readonly commandId: string
  readonly key: string
  readonly outcome: CommandOutcome
  /** How many events of the key were known to be durable when the call was made. */
  readonly versionBefore: number
}

describe('partition writers under faults', () => {
  it('never lose, double or reorder what was acknowledged, whatever happens', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (actions) => promisesAreKept(await run(actions, {}))),
      { numRuns: 200 },
    )
  }, 60_000)

  it('nor when next to nothing stays in memory and all processes share one local store', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (actions) => {
        const dataDirectory = mkdtempSync(join(tmpdir(), 'keyfold-interleavings-'))
        const limits = { cachedAggregates: 1, checkpointAggregates: 2, snapshotEvery: 2 }
        promisesAreKept(await run(actions, { limits, dataDirectory }))
        rmSync(dataDirectory, { recursive: true })
      }),
      { numRuns: 30 },
    )
  }, 60_000)
})

const actions = fc.array(action, { minLength: 5, maxLength: 60 })

function promisesAreKept({ answers, log }: { answers: readonly Answer[]; log: readonly StoredEvent[] }): void {
  const byKey = Map.groupBy(log, ({ key }) => key)
  versionsAreGapless(byKey)
  commandsAreWholeAndSingle(log)
  for (const answer of answers) answerIsTrue(answer, log, byKey)
  limitIsKept(byKey)
  failedMeansNothingHappened(answers, log)
}

async function run(
  actions: readonly Action[],
  { limits, ...options }: Pick<CountersOptions, 'limits' | 'dataDirectory'>,
): Promise<{ answers: readonly Answer[]; log: readonly StoredEvent[] }> {
  const kafka = new InMemoryKafka()
  const first = await openCounters({ kafka, limits: { batchCommands: 4, ...limits }, ...options })
  const stores: EventStore[] = [first.store]
  const acknowledged = new Map<string, number>()
  const asked: Promise<Answer>[] = []
  for (const each of actions) {
    if (each.kind === 'fault') kafka.log.commitFaults.push(each.fault)
    else if (each.kind === 'wait') await new Promise((resolve) => setTimeout(resolve, 1))
    else if (each.kind === 'takeOver') stores.push(await first.openAnother())
    else {
      const { key, amount, times, id } = each
      // Mostly the newest process is asked; the ones before it are zombies that do not know it yet.
      const store = stores[id % 3 === 0 ? 0 : stores.length - 1] ?? first.store
      const commandId = `${key}-${amount}-${times}-${id}`
      asked.push(ask(store, { commandId, key, amount, times }, acknowledged))
    }
  }
  kafka.log.commitFaults.length = 0
  const answers = await Promise.all(asked)
  const last = await first.openAnother()
  const log = await last.readEvents({ topic, limit: 10_000 })
  await Promise.all([...stores, last].map((store) => store.close()))
  return { answers, log }
}

async function ask(
  store: EventStore,
  command: { readonly commandId: string; readonly key: string; readonly amount: number; readonly times: number },
  acknowledged: Map<string, number>,
): Promise<Answer> {
  const { commandId, key, amount, times } = command
  const versionBefore = acknowledged.get(key) ?? 0
  const outcome = await store.execute(new Add({ id: key, amount, times }), { commandId, deadlineMs: 2_000 })
  if (outcome.kind === 'committed') acknowledged.set(key, Math.max(acknowledged.get(key) ?? 0, outcome.version))
  return { commandId, key, outcome, versionBefore }
}

type Log = readonly StoredEvent[]

function versionsAreGapless(byKey: ReadonlyMap<string, Log>): void {
  for (const [key, events] of byKey)
    expect(
      events.map(({ aggregateVersion }) => aggregateVersion),
      key,
    ).toEqual(events.map((_, index) => index + 1))
}

function commandsAreWholeAndSingle(log: Log): void {
  for (const [commandId, events] of Map.groupBy(log, (event) => event.commandId)) {
    const size = Number(events[0]?.headers['keyfold-command-size'])
    expect(
      events.map(({ headers }) => Number(headers['keyfold-command-index'])),
      commandId,
    ).toEqual([...Array(size).keys()])
    const first = events[0]?.offset ?? 0
    expect(
      events.map(({ offset }) => offset),
      commandId,
    ).toEqual(events.map((_, index) => first + index))
  }
}

function answerIsTrue(
  { commandId, key, outcome, versionBefore }: Answer,
  log: Log,
  byKey: ReadonlyMap<string, Log>,
): void {
  const own = log.filter((event) => event.commandId === commandId)
  if (outcome.kind === 'committed') {
    expect(
      own.map(({ type, data }) => ({ type, data })),
      commandId,
    ).toEqual(outcome.events)
    if (own.length > 0) {
      expect(own.at(-1), commandId).toMatchObject({
        aggregateVersion: outcome.version,
        offset: outcome.position?.offset,
      })
    }
  }
  // Real time: what was acknowledged before the call is what the decision rests on, at least.
  if (outcome.kind === 'committed' && !outcome.duplicate)
    expect(outcome.version - outcome.events.length, commandId).toBeGreaterThanOrEqual(versionBefore)
  if (outcome.kind === 'rejected') {
    expect(own, commandId).toEqual([])
    if (!outcome.duplicate) expect(outcome.version, commandId).toBeGreaterThanOrEqual(versionBefore)
    // The reason was true at the version that it names.
    const total = sum((byKey.get(key) ?? []).slice(0, outcome.version))
    expect(outcome.rejection.details['total'], commandId).toBe(total)
  }
}

function failedMeansNothingHappened(answers: readonly Answer[], log: Log): void {
  for (const [commandId, calls] of Map.groupBy(answers, (answer) => answer.commandId)) {
    if (calls.some(({ outcome }) => outcome.kind !== 'failed')) continue
    expect(
      log.filter((event) => event.commandId === commandId),
      commandId,
    ).toEqual([])
  }
}

function limitIsKept(byKey: ReadonlyMap<string, Log>): void {
  for (const events of byKey.values()) expect(sum(events)).toBeLessThanOrEqual(limit)
}

function sum(events: Log): number {
  return events.reduce((total, { data }) => total + (data as { readonly amount: number }).amount, 0)
}
