import { type AssignorName, assignors, isAssignorName } from './assignor.ts'
import type { ConsumerMember } from './consumer-member.ts'
import { type PartitionSet } from './partition-set.ts'
import type { Subscriptions } from './subscriptions.ts'

/** The topics that members subscribe to, together and each. */
export interface SubscribedTopics {
  readonly partitionCounts: ReadonlyMap<string, number>
  readonly topicIdsOf: ReadonlyMap<string, ReadonlySet<string>>
}

export function subscribedTopics(members: Iterable<ConsumerMember>, subscriptions: Subscriptions): SubscribedTopics {
  const partitionCounts = new Map<string, number>()
  const topicIdsOf = new Map<string, ReadonlySet<string>>()
  for (const member of members) {
    const topics = subscriptions.topicsOf(member)
    for (const { id, partitionCount } of topics) partitionCounts.set(id, partitionCount)
    topicIdsOf.set(member.memberId, new Set(topics.map(({ id }) => id)))
  }
  return { partitionCounts, topicIdsOf }
}

export function isSameTopics(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([topicId, partitionCount]) => b.get(topicId) === partitionCount)
}

/** What each member is to have, by the assignor that most of them ask for. */
export function computeTargets(
  members: readonly ConsumerMember[],
  topics: SubscribedTopics,
  { targetOf, assignorNames }: { targetOf: (memberId: string) => PartitionSet; assignorNames: readonly AssignorName[] },
): Map<string, PartitionSet> {
  if (members.length === 0) return new Map()
  return assignors[preferredAssignor(members, assignorNames)]({
    partitionCounts: topics.partitionCounts,
    members: members.map(({ memberId, instanceId }) => ({
      memberId,
      instanceId,
      topicIds: topics.topicIdsOf.get(memberId) ?? new Set(),
      target: targetOf(memberId),
    })),
  })
}

/** Most votes win, a tie goes to the one that is configured first; without votes it is the first. */
export function preferredAssignor(
  members: Iterable<ConsumerMember>,
  assignorNames: readonly AssignorName[],
): AssignorName {
  const votes = new Map<string, number>()
  for (const { serverAssignor } of members) {
    if (serverAssignor !== null) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1)
  }
  const votesFor = (name: AssignorName) => votes.get(name) ?? 0
  const [first = 'uniform', ...others] = assignorNames
  return others.reduce((best, name) => (votesFor(name) > votesFor(best) ? name : best), first)
}

/** The names in a setting that there are assignors for. */
export function assignorNamesOf(setting: string): AssignorName[] {
  return setting
    .split(',')
    .map((name) => name.trim())
    .filter(isAssignorName)
}
