import { setTimeout as sleep } from 'node:timers/promises'
import type { Asked, Call, History, Told } from './history.ts'

/** Where commands can be sent at the moment: the doors of the processes that are up. */
export type Doors = () => readonly string[]

export interface ClientsOptions {
  readonly history: History
  readonly random: () => number
  readonly doors: Doors
  readonly clients: number
}

const lists = 12
const accounts = 8

/** Closed-loop clients: lists are appended to, accounts are paid into, out of, and between; now and then something is said twice. */
export class Clients {
  readonly #options: ClientsOptions
  /** Newest version that was told, by key: for expected versions. */
  readonly #versions = new Map<string, number>()
  #next = 0

  constructor(options: ClientsOptions) {
    this.#options = options
  }

  /** Until `isDone`; every call that was begun has ended when this resolves. */
  async run(isDone: () => boolean): Promise<void> {
    const client = async (name: string): Promise<void> => {
      while (!isDone()) await this.#one(name)
    }
    await Promise.all(Array.from({ length: this.#options.clients }, (_, index) => client(`client ${index}`)))
  }

  /**
   * Says everything again, with the same id, until it is known how it ended; finishes transfers that were begun. Gives up
   * when for so many milliseconds nothing has got an outcome, and resolves with what has none.
   */
  async settle(patienceMs: number): Promise<readonly string[]> {
    const unsettled: string[] = []
    let until = performance.now() + patienceMs
    const settled = async (asked: Asked): Promise<void> => {
      let last: Call | undefined
      while (performance.now() < until) {
        last = await this.#ask(again(asked, asked.client))
        // Its expected version has passed: it has not happened and will not.
        const isOver = last.told !== undefined || last.code === 'EXPECTED_VERSION_CONFLICT'
        if (isOver) return void (until = performance.now() + patienceMs)
        await sleep(50)
      }
      unsettled.push(`${asked.commandId} on ${asked.key} (${last?.end} ${last?.code})`)
    }
    const { calls } = this.#options.history
    const byId = Map.groupBy(calls, ({ commandId }) => commandId)
    const open = [...byId.values()].filter((tries) => !tries.some(({ told }) => told !== undefined))
    await this.#inTurns(
      open.flatMap(([first]) => first ?? []),
      settled,
    )
    const taken = calls.filter(({ commandId, told }) => commandId.endsWith(':out') && told?.kind === 'committed')
    const arrivals = taken.map(({ commandId, payload, client }) =>
      this.#arrival(client, commandId, (payload as { readonly amount: number }).amount),
    )
    await this.#inTurns(arrivals, settled)
    return unsettled
  }

  async #one(client: string): Promise<void> {
    const chance = this.#options.random()
    const { calls } = this.#options.history
    const repeated = calls[Math.floor(this.#options.random() * calls.length)]
    if (chance < 0.06 && repeated !== undefined) return void (await this.#ask(again(repeated, client)))
    if (chance < 0.5) return void (await this.#ask(this.#append(client)))
    if (chance < 0.65) return this.#transfer(client)
    const account = this.#account()
    const amount = 1 + Math.floor(this.#options.random() * 50)
    const commandId = `c${++this.#next}`
    const asked = { client, key: account, commandId, payload: { account, amount }, ...this.#expected(account) }
    await this.#ask({ ...asked, name: chance < 0.85 ? 'Credit' : 'Debit' })
  }

  #append(client: string): Asked {
    const list = `l${Math.floor(this.#options.random() * lists)}`
    const commandId = `a${++this.#next}`
    const size = this.#options.random() < 0.5 ? 1 : 3
    // Unique: no two commands append the same number.
    const values = Array.from({ length: size }, (_, index) => this.#next * 4 + index)
    return { client, key: list, commandId, name: 'Append', payload: { list, values }, ...this.#expected(list) }
  }

  async #transfer(client: string): Promise<void> {
    const account = this.#account()
    const amount = 1 + Math.floor(this.#options.random() * 30)
    const commandId = `t${++this.#next}:out`
    const call = await this.#ask({ client, key: account, commandId, name: 'Debit', payload: { account, amount } })
    if (call.told?.kind === 'committed') await this.#ask(this.#arrival(client, commandId, amount))
  }

  #arrival(client: string, outId: string, amount: number): Asked {
    const account = `b${Number(outId.slice(1, -4)) % accounts}`
    const commandId = outId.replace(':out', ':in')
    return { client, key: account, commandId, name: 'Credit', payload: { account, amount }, causationId: outId }
  }

  #account(): string {
    return `b${Math.floor(this.#options.random() * accounts)}`
  }

  #expected(key: string): { readonly expectedVersion?: number } {
    const known = this.#versions.get(key)
    return known !== undefined && this.#options.random() < 0.15 ? { expectedVersion: known } : {}
  }

  async #inTurns<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
    const waiting = [...items]
    await Promise.all(
      Array.from({ length: this.#options.clients }, async () => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await act(next)
      }),
    )
  }

  async #ask(asked: Asked): Promise<Call> {
    const { doors, history, random } = this.#options
    const known = doors()
    const door = known[Math.floor(random() * known.length)]
    const call = history.invoke(asked)
    const { commandId, name, payload, expectedVersion, causationId } = asked
    try {
      if (door === undefined) throw new Error('no process is up')
      const response = await fetch(door, {
        method: 'POST',
        body: JSON.stringify({ commandId, name, payload, expectedVersion, causationId, deadlineMs: 3_000 }),
        signal: AbortSignal.timeout(6_000),
      })
      this.#note(call, (await response.json()) as HttpAnswer)
    } catch {
      history.end(call, 'info', {})
    }
    if (call.end !== 'told') await sleep(5 + random() * 20)
    return call
  }

  #note(call: Call, answer: HttpAnswer): void {
    const { history } = this.#options
    if (answer.kind === 'unknown') return history.end(call, 'info', { code: answer.code })
    if (answer.kind === 'failed') {
      const { actual } = (answer.details ?? {}) as { readonly actual?: number }
      return history.end(call, 'fail', {
        code: answer.code,
        ...(actual === undefined ? {} : { actualVersion: actual }),
      })
    }
    const { duplicate } = answer
    this.#versions.set(call.key, Math.max(answer.version, this.#versions.get(call.key) ?? 0))
    history.end(call, 'told', { told: toldBy(answer), duplicate })
  }
}

type HttpAnswer =
  | {
      readonly kind: 'committed'
      readonly version: number
      readonly duplicate: boolean
      readonly position: { readonly partition: number; readonly offset: number } | null
      readonly events: readonly { readonly type: string; readonly data: unknown }[]
    }
  | {
      readonly kind: 'rejected'
      readonly version: number
      readonly duplicate: boolean
      readonly rejection: { readonly code: string; readonly details: unknown }
    }
  | { readonly kind: 'failed'; readonly code: string; readonly details?: unknown }
  | { readonly kind: 'unknown'; readonly code: string }

function toldBy(answer: Extract<HttpAnswer, { readonly duplicate: boolean }>): Told {
  if (answer.kind === 'rejected') {
    const { code, details } = answer.rejection
    return { kind: 'rejected', version: answer.version, code, details }
  }
  const { version, position, events } = answer
  return {
    kind: 'committed',
    version,
    partition: position?.partition ?? -1,
    offset: position?.offset ?? -1,
    events: events.map(({ type, data }) => ({ type, data })),
  }
}

function again({ key, commandId, name, payload, expectedVersion, causationId }: Asked, client: string): Asked {
  return {
    client,
    key,
    commandId,
    name,
    payload,
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
    ...(causationId === undefined ? {} : { causationId }),
  }
}
