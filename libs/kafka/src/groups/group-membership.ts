import { Heartbeat, JoinGroup, LeaveGroup, SyncGroup } from '@keyfold/protocol'
import { BackOff } from '../back-off.ts'
import { brokerError, brokerErrorName } from '../broker-error.ts'
import type { Cluster } from '../cluster.ts'
import { Coordinator, groupCoordinatorType } from '../coordinator.ts'
import { KafkaClientError } from '../errors.ts'
import type { GroupMembership, GroupMembershipOptions } from '../kafka-groups.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts'
import { groupVerdict } from './group-verdicts.ts'

const protocolType = 'consumer'
/** From version 9 on a leader may be told to skip its assignment, which only static members meet (KIP-814). */
const joinGroupVersionMax = 8

/**
 * A member of a classic group: enters, is given its share, and beats. One loop, one request at a time; only the
 * question whether it is current may come in between, on the heartbeats' connection, because a join waits on its own.
 */
export class ClassicGroupMembership implements GroupMembership {
  readonly #options: GroupMembershipOptions
  readonly #cluster: Cluster
  readonly #joining: Coordinator
  readonly #beating: Coordinator
  readonly #backOff = new BackOff(20, 1_000)
  readonly #loop: Promise<void>
  #memberId = ''
  #generation = -1
  #entered = false
  #closing = false
  #hurried = false
  #wake: () => void = () => undefined

  constructor(cluster: Cluster, options: GroupMembershipOptions, lane: string) {
    this.#cluster = cluster
    this.#options = options
    this.#joining = new Coordinator(cluster, options.groupId, lane, groupCoordinatorType)
    this.#beating = new Coordinator(cluster, options.groupId, 'heartbeat', groupCoordinatorType)
    this.#loop = this.#run()
  }

  async isCurrent(): Promise<boolean> {
    if (this.#generation < 0 || this.#closing) return false
    const errorName = await this.#heartbeat()
    const verdict = groupVerdict(errorName)
    if (verdict === 'stay' || errorName === 'REBALANCE_IN_PROGRESS') return true
    if (verdict === 'rejoin' || verdict === 'joinAnew') {
      this.hurry()
      return false
    }
    this.#beating.forget()
    throw brokerError(errorName, `group ${this.#options.groupId}`)
  }

  hurry(): void {
    this.#hurried = true
    this.#wake()
  }

  async close(): Promise<void> {
    if (this.#closing) return this.#loop
    this.#closing = true
    this.#wake()
    try {
      if (this.#memberId !== '') await this.#leave()
    } catch (error) {
      // The coordinator finds out by itself when the session ends.
      this.#trouble(error)
    }
    // A join may be waiting there for the others.
    this.#cluster.closeLane(this.#joining.lane)
    await this.#loop
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      try {
        if (this.#entered) this.#obey(await this.#heartbeat())
        else await this.#enter()
        this.#backOff.reset()
        if (this.#entered && !this.#hurried) await this.#pause(this.#options.heartbeatIntervalMs)
        this.#hurried = false
      } catch (error) {
        if (this.#closing) return
        if (error instanceof KafkaClientError && error.code === 'KAFKA_CLIENT_CLOSED' && this.#cluster.closed) return
        this.#trouble(error)
        this.#joining.forget()
        this.#beating.forget()
        await this.#pause(this.#backOff.next())
      }
    }
  }

  async #enter(): Promise<void> {
    const { groupId, topic, assigner, sessionTimeoutMs, rebalanceTimeoutMs, userData } = this.#options
    const link = await this.#joining.link()
    const metadata = encodeSubscription(topic, userData())
    const joined = await link.ask(
      JoinGroup,
      {
        groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.#memberId,
        protocolType,
        protocols: [{ name: assigner.name, metadata }],
      },
      joinGroupVersionMax,
      rebalanceTimeoutMs + sessionTimeoutMs,
    )
    if (joined.memberId !== '') this.#memberId = joined.memberId
    if (this.#closing || !this.#obey(brokerErrorName(joined.errorCode))) return
    const assignments = joined.leader === joined.memberId ? this.#assign(joined) : []
    const synced = await link.ask(
      SyncGroup,
      {
        groupId,
        generationId: joined.generationId,
        memberId: joined.memberId,
        protocolType,
        protocolName: assigner.name,
        assignments,
      },
      undefined,
      rebalanceTimeoutMs,
    )
    if (this.#closing || !this.#obey(brokerErrorName(synced.errorCode))) return
    this.#generation = joined.generationId
    this.#entered = true
    const { memberId, generationId: generation } = joined
    this.#options.onAssigned({ ...decodeAssignment(synced.assignment), memberId, generation })
  }

  #assign({ generationId, members }: { generationId: number; members: { memberId: string; metadata: Buffer }[] }) {
    const { assigner, topic } = this.#options
    const joined = members.map(({ memberId, metadata }) => ({ memberId, userData: decodeSubscription(metadata) }))
    return [...assigner.assign(joined, generationId)].map(([memberId, share]) => ({
      memberId,
      assignment: encodeAssignment(topic, share),
    }))
  }

  async #heartbeat(): Promise<string> {
    const link = await this.#beating.link()
    const request = { groupId: this.#options.groupId, generationId: this.#generation, memberId: this.#memberId }
    return brokerErrorName((await link.ask(Heartbeat, request)).errorCode)
  }

  async #leave(): Promise<void> {
    const link = await this.#beating.link()
    const memberId = this.#memberId
    await link.ask(LeaveGroup, {
      groupId: this.#options.groupId,
      ...(link.has(LeaveGroup, 3) ? { members: [{ memberId, reason: 'closing' }] } : { memberId }),
    })
  }

  /** True when all is well; otherwise the next round does what the answer asks for. */
  #obey(errorName: string): boolean {
    const verdict = groupVerdict(errorName)
    if (verdict === 'stay') return true
    this.#entered = false
    if (verdict === 'joinAnew') this.#memberId = ''
    if (verdict === 'again' || verdict === 'fail') throw brokerError(errorName, `group ${this.#options.groupId}`)
    return false
  }

  #trouble(error: unknown): void {
    this.#options.onTrouble?.(error instanceof Error ? error : new Error(String(error)))
  }

  #pause(ms: number): Promise<void> {
    if (this.#closing) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
