import type { BrokerContext } from '../broker-context.ts'
import type { ConsumerGroupState } from '../consumer-groups/consumer-group.ts'
import type { GroupState } from '../group-coordinator/group.ts'
import type { Exposition } from './exposition.ts'

const classicStates = ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable'] satisfies GroupState[]
const consumerStates = ['Empty', 'Assigning', 'Reconciling', 'Stable'] satisfies ConsumerGroupState[]

interface AnyGroup {
  readonly groupId: string
  readonly state: string
  readonly members: ReadonlyMap<string, unknown>
}

/** States, members and lag of the groups of both protocols. */
export function collectGroups(broker: BrokerContext, into: Exposition): void {
  const { groups, consumerGroups, offsets } = broker
  collectStates('classic', classicStates, groups.all(), into)
  collectStates('consumer', consumerStates, consumerGroups.all(), into)
  for (const groupId of offsets.groupIds()) collectLag(broker, groupId, into)
}

function collectStates(
  protocol: 'classic' | 'consumer',
  states: readonly string[],
  groups: readonly AnyGroup[],
  into: Exposition,
): void {
  const counts = new Map(states.map((state) => [state, 0]))
  for (const { groupId, state, members } of groups) {
    counts.set(state, (counts.get(state) ?? 0) + 1)
    into.sample('keyfold_broker_group_members', members.size, groupId)
  }
  for (const [state, count] of counts) into.sample('keyfold_broker_groups', count, protocol, state)
}

/** Offsets in partitions that are gone do not count. */
function collectLag({ offsets, partitions }: BrokerContext, groupId: string, into: Exposition): void {
  let sum = 0
  for (const { topic, partition, offset } of offsets.ofGroup(groupId)) {
    const end = partitions.get(topic, partition)?.highWatermark
    if (end === undefined) continue
    const lag = Math.max(0, end - offset)
    sum += lag
    into.sample('keyfold_broker_group_partition_lag_records', lag, groupId, topic, partition)
  }
  into.sample('keyfold_broker_group_lag_records', sum, groupId)
}
