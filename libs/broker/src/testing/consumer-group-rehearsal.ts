import { KafkaError } from '@keyfold/protocol'
import { MemoryFiles } from '@keyfold/storage'
import type { Broker } from '../broker.ts'
import type { HeartbeatRequest } from '../consumer-groups/heartbeat-request.ts'
import { partitionSet } from '../consumer-groups/partition-set.ts'
import { BrokerRehearsal, HandClock } from './broker-rehearsal.ts'

/** What a member hears, in words. */
export interface Heard {
  error: string
  epoch?: number
  /** Partitions by topic name; left out if the answer says nothing of them. */
  assigned?: Record<string, number[]>
}

type Saying = Partial<Omit<HeartbeatRequest, 'owned'>> & { owned?: Record<string, number[]> }

/** Members of the consumer protocol that say what the test has them say, to a broker with a clock in its hands. */
export class ConsumerGroupRehearsal {
  readonly files: MemoryFiles
  readonly #rehearsal: BrokerRehearsal
  readonly #clock: HandClock
  readonly #config: Record<string, string | number>

  static async open(
    config: Record<string, string | number> = {},
    files: MemoryFiles = new MemoryFiles({ crashable: false }),
    clock: HandClock = new HandClock(),
  ): Promise<ConsumerGroupRehearsal> {
    return new ConsumerGroupRehearsal(await BrokerRehearsal.open(files, config, clock), { files, clock, config })
  }

  private constructor(
    rehearsal: BrokerRehearsal,
    { files, clock, config }: { files: MemoryFiles; clock: HandClock; config: Record<string, string | number> },
  ) {
    this.files = files
    this.#rehearsal = rehearsal
    this.#clock = clock
    this.#config = config
  }

  get broker(): Broker {
    return this.#rehearsal.broker
  }

  /** The same broker after its process was killed. */
  async restarted(): Promise<ConsumerGroupRehearsal> {
    await this.broker.storage.durable(this.broker.storage.lastLsn)
    return ConsumerGroupRehearsal.open(this.#config, this.files.kill(), this.#clock)
  }

  pass(ms: number): void {
    this.#rehearsal.pass(ms)
  }

  createTopic(name: string, partitionCount: number): void {
    this.broker.catalog.create({ name, partitionCount, configs: new Map() })
  }

  /** A first heartbeat, with everything it has to bring. */
  join(memberId: string, saying: Saying = {}): Heard {
    const names = saying.subscribedTopicRegex === undefined ? { subscribedTopicNames: ['t'] } : {}
    return this.beat(memberId, { memberEpoch: 0, rebalanceTimeoutMs: 60_000, ...names, owned: {}, ...saying })
  }

  /** A heartbeat in the member's present epoch, unless it says another one. */
  beat(memberId: string, { owned, ...saying }: Saying = {}): Heard {
    const { catalog, consumerGroups } = this.broker
    const groupId = saying.groupId ?? 'g'
    const topicPartitions = Object.entries(owned ?? {}).map(([name, partitions]) => ({
      topicId: catalog.get(name)?.id ?? name,
      partitions,
    }))
    const answer = consumerGroups.heartbeat({
      groupId,
      memberId,
      memberEpoch: consumerGroups.get(groupId)?.members.get(memberId)?.memberEpoch ?? 1,
      instanceId: null,
      rackId: null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      mustBringMemberId: true,
      ...saying,
      owned: owned === undefined ? null : partitionSet(topicPartitions),
    })
    if ('error' in answer) return { error: answer.error.name }
    const { memberEpoch: epoch, assigned } = answer
    if (assigned === undefined) return { error: KafkaError.NONE.name, epoch }
    const named = Array.from(assigned, ([id, set]) => [catalog.byId(id)?.name, [...set].toSorted((a, b) => a - b)])
    return { error: KafkaError.NONE.name, epoch, assigned: Object.fromEntries(named) as Record<string, number[]> }
  }

  /** The state of a group, with its epochs. */
  state(groupId = 'g'): string {
    const group = this.broker.consumerGroups.get(groupId)
    return group === undefined ? 'none' : `${group.state} ${group.groupEpoch}/${group.assignmentEpoch}`
  }
}
