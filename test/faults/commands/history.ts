import type { CommandName } from './aggregates.ts'

export interface Asked {
  /** The closed-loop client. */
  readonly client: string
  readonly key: string
  readonly commandId: string
  readonly name: CommandName
  readonly payload: Readonly<Record<string, unknown>>
  readonly expectedVersion?: number
  readonly causationId?: string
}

/** What an answer says happened. */
export type Told =
  | {
      readonly kind: 'committed'
      readonly version: number
      readonly partition: number
      readonly offset: number
      readonly events: readonly { readonly type: string; readonly data: unknown }[]
    }
  | { readonly kind: 'rejected'; readonly version: number; readonly code: string; readonly details: unknown }

/**
 * One call: invoked, and perhaps answered. `told` says what happened, `fail` that this call did nothing, `info` that
 * nobody knows: unknown outcomes, broken connections, processes that died.
 */
export interface Call extends Asked {
  /** Milliseconds of the lane's clock, and of the wall clock. */
  readonly invokedMs: number
  readonly invokedAt: number
  endedMs: number
  end: 'open' | 'told' | 'fail' | 'info'
  told?: Told | undefined
  duplicate?: boolean
  /** Of failed and unknown calls. */
  code?: string
  /** Of a conflict: the version that was there. */
  actualVersion?: number
}

/** What the clients did and saw, in the order of the calls. */
export class History {
  readonly calls: Call[] = []
  /** How many calls have been told what happened. */
  told = 0

  invoke(asked: Asked): Call {
    const call: Call = {
      ...asked,
      invokedMs: performance.now(),
      invokedAt: Date.now(),
      endedMs: Number.POSITIVE_INFINITY,
      end: 'open',
    }
    this.calls.push(call)
    return call
  }

  end(
    call: Call,
    kind: 'told' | 'fail' | 'info',
    more: Partial<Pick<Call, 'told' | 'duplicate' | 'code' | 'actualVersion'>>,
  ) {
    if (kind === 'told') this.told += 1
    Object.assign(call, more, { end: kind, endedMs: performance.now() })
  }
}

/** What an independent reader found in the log at the end. */
export interface LogEvent {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: string
  readonly type: string
  readonly data: unknown
  readonly version: number
  readonly commandId: string
  readonly index: number
  readonly size: number
  readonly generation: number
  readonly causationId: string | undefined
}

/** A `Claimed` record of the state topic of an events topic. */
export interface LogClaim {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly generation: number
  readonly instanceId: string
  /** Where the events ended when the partition was claimed. */
  readonly endOffset: number
}

export interface Recorded {
  readonly calls: readonly Call[]
  readonly events: readonly LogEvent[]
  readonly claims: readonly LogClaim[]
  /** The events as they were read once before. */
  readonly earlier: readonly LogEvent[]
}
