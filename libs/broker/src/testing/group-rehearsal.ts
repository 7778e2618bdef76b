import { Group, type GroupFacts } from '../group-coordinator/group.ts'
import type { GroupContext, GroupSettings } from '../group-coordinator/group-context.ts'
import type { JoinAnswer, SyncAnswer } from '../group-coordinator/member.ts'
import { heartbeat, join, type JoinRequest, leave, sync, type SyncRequest } from '../group-coordinator/membership.ts'
import { removeMember } from '../group-coordinator/rebalance.ts'
import { TimerHeap } from '../scheduler.ts'

/** A request that may have to wait for its answer. */
export interface Parked<T> {
  answer: T | undefined
}

/** What a consumer says that subscribes to topic t. */
export const subscription = Buffer.from([0, 0, 0, 0, 0, 1, 0, 1, 0x74, 255, 255, 255, 255])

/** One group, with time moved by hand and everything durable at once. */
export class GroupRehearsal {
  readonly group = new Group('g', 0)
  /** What was written to the journal. */
  readonly saved: GroupFacts[] = []
  readonly settings: { -readonly [K in keyof GroupSettings]: GroupSettings[K] } = {
    initialRebalanceDelayMs: 3000,
    minSessionTimeoutMs: 6000,
    maxSessionTimeoutMs: 1_800_000,
    maxSize: 100,
  }
  readonly #heap = new TimerHeap(() => this.#nowMs)
  readonly #context: GroupContext
  #nowMs = 0
  #uuids = 0

  constructor() {
    this.#context = {
      scheduler: this.#heap,
      settings: this.settings,
      wallClock: () => this.#nowMs,
      newUuid: () => `uuid${++this.#uuids}`,
      save: (facts, whenDurable) => {
        this.saved.push(facts)
        whenDurable?.()
      },
      expire: (group, member) => removeMember(this.#context, group, member),
    }
  }

  /** Lets time pass, stopping at every timer that is due. */
  pass(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const dueMs = this.#heap.nextDueMs
      if (dueMs === undefined || dueMs > endMs) break
      this.#nowMs = Math.max(this.#nowMs, dueMs)
      this.#heap.runDue()
    }
    this.#nowMs = endMs
  }

  joining(overrides: Partial<JoinRequest> = {}): Parked<JoinAnswer> {
    const parked: Parked<JoinAnswer> = { answer: undefined }
    const request: JoinRequest = {
      groupId: 'g',
      memberId: '',
      groupInstanceId: null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription }],
      memberIdRequired: false,
      canSkipAssignment: false,
      ...overrides,
    }
    join(this.#context, this.group, request, (answer) => (parked.answer = answer))
    return parked
  }

  syncing(memberId: string, overrides: Partial<SyncRequest> = {}): Parked<SyncAnswer> {
    const parked: Parked<SyncAnswer> = { answer: undefined }
    const request: SyncRequest = {
      groupId: 'g',
      memberId,
      groupInstanceId: null,
      generationId: this.group.generationId,
      protocolType: null,
      protocolName: null,
      assignments: new Map(),
      ...overrides,
    }
    sync(this.#context, this.group, request, (answer) => (parked.answer = answer))
    return parked
  }

  /** The name of a heartbeat's error. */
  beat(memberId: string, generationId = this.group.generationId, groupInstanceId: string | null = null): string {
    return heartbeat(this.#context, this.group, { memberId, groupInstanceId, generationId }).name
  }

  /** The names of the errors of a batch of members that leave. */
  leaving(...leavers: { memberId?: string; groupInstanceId?: string }[]): string[] {
    const full = leavers.map(({ memberId = '', groupInstanceId = null }) => ({ memberId, groupInstanceId }))
    return leave(this.#context, this.group, full).map(({ name }) => name)
  }

  /** A stable group of so many members; the first one leads. Returns their ids. */
  stable(size: number, overrides: Partial<JoinRequest>[] = []): string[] {
    const joins = Array.from({ length: size }, (_, index) => this.joining(overrides[index]))
    this.pass(6000)
    const ids = joins.map(({ answer }) => answer?.memberId ?? '')
    for (const id of ids.slice(1)) this.syncing(id)
    this.syncing(ids[0] ?? '', { assignments: new Map(ids.map((id, index) => [id, Buffer.from([index])])) })
    if (this.group.state !== 'Stable') throw new Error(`the group is ${this.group.state}`)
    return ids
  }
}
