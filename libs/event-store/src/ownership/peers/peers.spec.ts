import { connect } from 'node:net'
import { once } from 'node:events'
import { KeyfoldError } from '@keyfold/eventsourcing'
import { afterEach, describe, expect, it } from 'vitest'
import type { CommandOutcome } from '../../command-outcome.ts'
import { fail } from '../../errors.ts'
import type { PeerIdentity } from './peer-handshake.ts'
import { PeerLinks } from './peer-link.ts'
import type { CommandMessage } from './peer-messages.ts'
import { PeerServer } from './peer-server.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const identity = (instanceId: string, more: Partial<PeerIdentity> = {}): PeerIdentity => ({
  application: 'test',
  instanceId,
  secret: '',
  ...more,
})

type Execute = (message: CommandMessage) => Promise<CommandOutcome>

async function serve(execute: Execute, own = identity('owner'), inFlightMax = 100) {
  const regrouped: string[] = []
  const service = { identity: own, execute, inFlightMax, regroup: (name: string) => void regrouped.push(name) }
  const server = await PeerServer.listen('127.0.0.1', 0, service)
  closing.push(() => server.close(0))
  return { server, regrouped, owner: { instanceId: 'owner', url: server.address } }
}

function links(own = identity('caller'), inFlightMax = 100): PeerLinks {
  const made = new PeerLinks(own, inFlightMax)
  closing.push(() => made.close())
  return made
}

function command(payload: Readonly<Record<string, unknown>> = {}, commandId = 'c'): Omit<CommandMessage, 'id'> {
  const headers = {
    expectedVersion: undefined,
    correlationId: undefined,
    causationId: 'cause',
    extensions: { actor: 'me' },
  }
  const request = {
    name: 'test.Do',
    key: 'k',
    commandId,
    idGiven: true,
    isFirstTry: false,
    fingerprint: 'f',
    deadlineMs: 1_000,
    ...headers,
  }
  return { aggregate: 'counter', partition: 3, request: { ...request, payload } }
}

const done = ({ request }: CommandMessage, data: unknown = null): CommandOutcome => ({
  kind: 'committed',
  version: 2,
  position: { topic: 't', partition: 3, offset: 9 },
  events: [{ type: 'test.Done', data }],
  duplicate: false,
  commandId: request.commandId,
})

const payload = {
  amount: 12n,
  at: new Date(5),
  bytes: Buffer.from([0, 255]),
  $: 'money',
  parts: new Map([[1, [null]]]),
}

describe('instances that speak to each other', () => {
  it('carry commands and outcomes exactly', async () => {
    const heard: CommandMessage[] = []
    const { owner } = await serve(async (message) => {
      heard.push(message)
      return done(message, payload)
    })
    const answer = await links().ask(owner, command(payload))
    expect(heard).toEqual([{ kind: 'command', id: 1, ...command(payload) }])
    expect(answer).toEqual({ kind: 'answered', outcome: done(heard[0] ?? { id: 0, ...command() }, payload) })
  })

  it('carry errors with their code, details and cause', async () => {
    const cause = fail('WRITE_REFUSED', 'no', { cause: new RangeError('too far') })
    const error = fail('COMMAND_FAILED', 'broken', { cause, details: { total: 7n } })
    const { owner } = await serve(async () => ({ kind: 'failed', error, commandId: 'c' }))
    const answer = await links().ask(owner, command())
    if (answer.kind !== 'answered' || !('error' in answer.outcome)) throw new Error(answer.kind)
    const arrived = answer.outcome.error
    expect(arrived).toBeInstanceOf(KeyfoldError)
    const { code, message, retriable, fix, details } = error
    expect(arrived).toMatchObject({ code, message, retriable, fix, details })
    expect(arrived.cause).toMatchObject({ code: 'WRITE_REFUSED', cause: { name: 'RangeError', message: 'too far' } })
  })

  it('answer many commands of one connection in any order', async () => {
    const waiting = new Map<string, () => void>()
    const { owner } = await serve(async (message) => {
      await new Promise<void>((resolve) => waiting.set(message.request.commandId, resolve))
      if (waiting.size === 3) for (const id of ['third', 'first', 'second']) waiting.get(id)?.()
      return done(message)
    })
    const caller = links()
    const asked = ['first', 'second', 'third'].map((id) => caller.ask(owner, command({}, id)))
    while (waiting.size < 3) await new Promise((resolve) => setImmediate(resolve))
    for (const release of waiting.values()) release()
    expect((await Promise.all(asked)).map((each) => each.kind === 'answered' && each.outcome.commandId)).toEqual([
      'first',
      'second',
      'third',
    ])
  })

  it('know a command that may have arrived from one that did not', async () => {
    const arrived = Promise.withResolvers<void>()
    const { server, owner } = await serve(() => {
      arrived.resolve()
      return new Promise(() => undefined)
    })
    const caller = links()
    const asked = caller.ask(owner, command())
    await arrived.promise
    await server.close(0)
    expect(await asked).toMatchObject({ kind: 'lost' })
    expect(await caller.ask(owner, command())).toMatchObject({ kind: 'notSent' })
  })

  it('connect again after a connection was lost', async () => {
    const first = await serve(async (message) => done(message))
    const caller = links()
    expect(await caller.ask(first.owner, command())).toMatchObject({ kind: 'answered' })
    caller.keepOnly([])
    expect(await caller.ask(first.owner, command())).toMatchObject({ kind: 'answered' })
  })

  it('take no more than the bound at a time, on either side', async () => {
    const never = (): Promise<CommandOutcome> => new Promise(() => undefined)
    const { owner } = await serve(never, identity('owner'), 2)
    const caller = links(identity('caller'), 3)
    const inFlight = [1, 2, 3].map((id) => caller.ask(owner, command({}, `${id}`)))
    expect(await inFlight[2]).toMatchObject({
      outcome: { kind: 'failed', error: { code: 'OVERLOADED' }, commandId: '3' },
    })
    void caller.ask(owner, command({}, '4'))
    await expect.poll(() => caller.ask(owner, command({}, '5'))).toMatchObject({ kind: 'full' })
  })

  it('refuse a stranger: another application, a wrong secret, an instance that was meant and is gone', async () => {
    const secret = 'right'
    const { owner } = await serve(async (message) => done(message), identity('owner', { secret }))
    const ask = (own: PeerIdentity, to = owner) => links(own).ask(to, command())
    expect(await ask(identity('caller', { secret }))).toMatchObject({ kind: 'answered' })
    expect(await ask(identity('caller', { secret: 'wrong' }))).toMatchObject({ kind: 'notSent' })
    expect(await ask(identity('caller', { secret, application: 'other' }))).toMatchObject({ kind: 'notSent' })
    expect(await ask(identity('caller', { secret }), { ...owner, instanceId: 'before' })).toMatchObject({
      kind: 'notSent',
    })
  })

  it.each([
    ['a frame without end', Buffer.from([0x7f, 0xff, 0xff, 0xff])],
    ['a frame that is no JSON', Buffer.from([0, 0, 0, 1, 0x7b])],
    ['a command before it is known', frame({ kind: 'command', id: 1 })],
    ['null', frame(null)],
  ])('hang up on %s', async (_, bytes) => {
    let executed = 0
    const { server } = await serve(async (message) => {
      executed++
      return done(message)
    })
    const socket = connect(Number(server.address.split(':')[1]), '127.0.0.1')
    socket.resume()
    socket.write(bytes)
    await once(socket, 'close')
    expect(executed).toBe(0)
  })

  it('tell each other that the group forms anew', async () => {
    const { owner, regrouped } = await serve(async (message) => done(message))
    await links().regroup(owner, 'counter')
    await expect.poll(() => regrouped).toEqual(['counter'])
  })
})

function frame(value: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(value))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}
