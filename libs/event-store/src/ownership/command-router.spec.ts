import { describe, expect, it } from 'vitest'
import type { CommandOutcome } from '../command-outcome.ts'
import { type EventStoreErrorCode, fail } from '../errors.ts'
import type { CommandRequest } from '../writer/pending-command.ts'
import { CommandRouter } from './command-router.ts'
import type { PeerAnswer } from './peers/peer-link.ts'
import { type Instance, RoutingTable } from './routing-table.ts'

const a: Instance = { instanceId: 'a', url: '127.0.0.1:1' }
const b: Instance = { instanceId: 'b', url: '127.0.0.1:2' }

const request: CommandRequest = {
  command: {},
  name: 'test.Add',
  key: 'k',
  commandId: 'c',
  idGiven: false,
  isFirstTry: true,
  fingerprint: 'f',
  expectedVersion: undefined,
  correlationId: undefined,
  causationId: undefined,
  extensions: {},
  deadlineMs: 20_000,
}

const committed: CommandOutcome = {
  kind: 'committed',
  version: 1,
  position: null,
  events: [],
  duplicate: false,
  commandId: 'c',
}
const lost: PeerAnswer = { kind: 'lost', error: new Error('cut') }

function answered(outcome: CommandOutcome): PeerAnswer {
  return { kind: 'answered', outcome }
}

function failed(code: EventStoreErrorCode, details: Readonly<Record<string, unknown>> = {}): PeerAnswer {
  return answered({ kind: 'failed', error: fail(code, code, { details }), commandId: 'c' })
}

type Asked = { readonly to: string; readonly request: CommandRequest }

/** A router whose other instances answer from a script; the last line is repeated. */
function routed(owner: Instance | undefined, script: readonly (PeerAnswer | (() => Promise<PeerAnswer>))[]) {
  const table = new RoutingTable()
  if (owner !== undefined) own(table, owner)
  const asked: Asked[] = []
  let refreshes = 0
  const router = new CommandRouter({
    table,
    here: () => undefined,
    there: async (instance, _partition, tried) => {
      const line = script[Math.min(asked.length, script.length - 1)] ?? lost
      asked.push({ to: instance.instanceId, request: tried })
      return typeof line === 'function' ? line() : line
    },
    refresh: () => void refreshes++,
  })
  return { router, table, asked, refreshes: () => refreshes }
}

function own(table: RoutingTable, { instanceId, url }: Instance): void {
  table.learn({ generation: table.generation + 1, instances: [{ instanceId, url, partitions: [0] }] })
}

describe('a command on its way to its owner', () => {
  it('follows the name of another owner at once, in the second hop', async () => {
    const { router, asked, refreshes } = routed(a, [
      failed('NOT_OWNER', { owner: b, generation: 7 }),
      answered(committed),
    ])
    expect(await router.submit(0, request)).toEqual(committed)
    expect(asked.map(({ to }) => to)).toEqual(['a', 'b'])
    expect(refreshes()).toBe(0)
  })

  it('takes no third hop on hearsay: two that name each other are asked after a look at the group', async () => {
    const { router, asked, refreshes } = routed(a, [
      failed('NOT_OWNER', { owner: b }),
      failed('NOT_OWNER', { owner: a }),
      answered(committed),
    ])
    expect(await router.submit(0, request)).toEqual(committed)
    expect(asked.map(({ to }) => to)).toEqual(['a', 'b', 'a'])
    expect(refreshes()).toBe(1)
  })

  it('waits for an owner, and goes to it as soon as there is one', async () => {
    const { router, table, asked } = routed(undefined, [answered(committed)])
    const outcome = router.submit(0, request)
    own(table, b)
    expect(await outcome).toEqual(committed)
    expect(asked.map(({ to }) => to)).toEqual(['b'])
  })

  it('is asked for again by its id when the answer got lost, in a way that keeps a rejection', async () => {
    const { router, asked } = routed(a, [lost, answered({ ...committed, duplicate: true })])
    expect(await router.submit(0, request)).toMatchObject({ kind: 'committed', duplicate: true })
    expect(asked.map((each) => [each.request.idGiven, each.request.isFirstTry])).toEqual([
      [false, true],
      [true, false],
    ])
  })

  it('is asked for at the new owner when the partition moves before the old one answers', async () => {
    const never = () => new Promise<PeerAnswer>(() => undefined)
    const { router, table, asked } = routed(a, [never, answered(committed)])
    const outcome = router.submit(0, request)
    own(table, b)
    expect(await outcome).toEqual(committed)
    expect(asked.map(({ to }) => to)).toEqual(['a', 'b'])
  })

  it('stays unknown after a lost answer when all that comes back is a failure', async () => {
    const { router } = routed(a, [lost, failed('EXPECTED_VERSION_CONFLICT')])
    expect(await router.submit(0, request)).toMatchObject({ kind: 'unknown', error: { code: 'OUTCOME_UNKNOWN' } })
  })

  it('is tried on after a lost answer while the owner is overloaded', async () => {
    const { router } = routed(a, [lost, failed('OVERLOADED'), answered(committed)])
    expect(await router.submit(0, request)).toEqual(committed)
  })

  it('ends as failed when nobody had it until the deadline, as unknown when somebody may have', async () => {
    const refused = routed(a, [{ kind: 'notSent', error: new Error('refused') }])
    expect(await refused.router.submit(0, { ...request, deadlineMs: 30 })).toMatchObject({
      kind: 'failed',
      error: { code: 'DEADLINE_EXCEEDED', message: expect.stringContaining('refused') },
    })
    const cut = routed(a, [lost])
    expect(await cut.router.submit(0, { ...request, deadlineMs: 30 })).toMatchObject({
      kind: 'unknown',
      error: { code: 'OUTCOME_UNKNOWN', message: expect.stringContaining('cut') },
    })
  })

  it('carries what is left of its deadline', async () => {
    const { router, asked } = routed(a, [failed('NOT_OWNER'), answered(committed)])
    await router.submit(0, request)
    const [first = 0, second = 0] = asked.map((each) => each.request.deadlineMs)
    expect(first).toBeLessThanOrEqual(20_000)
    expect(second).toBeLessThan(first)
  })

  it('fails as overloaded when too much is on its way', async () => {
    const { router } = routed(a, [{ kind: 'full', error: new Error('4096') }])
    expect(await router.submit(0, request)).toMatchObject({ kind: 'failed', error: { code: 'OVERLOADED' } })
  })
})
