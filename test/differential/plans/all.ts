import type { Plan, Planned, Script } from '../script.ts'
import * as bad from './bad-requests.ts'
import * as consumers from './consumer-groups.ts'
import { longPolls } from './long-polls.ts'
import { migrate } from './migration.ts'
import { oddRequest } from './odd-requests.ts'
import * as groups from './groups.ts'
import * as sessions from './fetch-sessions.ts'
import * as producing from './producing.ts'
import * as reading from './reading.ts'
import * as topics from './topics.ts'
import * as transactions from './transactions.ts'

/** What is tried, and how often relative to the others. */
const areas: Readonly<Record<string, readonly (readonly [Plan, number])[]>> = {
  produce: [
    [producing.plainProduce, 6],
    [producing.flawedProduce, 4],
    [producing.initIdempotent, 1],
    [producing.idempotentProduce, 8],
    [producing.unacknowledgedProduce, 1],
    [producing.wrongAcks, 1],
  ],
  transactions: [
    [transactions.initTransactional, 3],
    [transactions.addPartitions, 5],
    [transactions.transactionalProduce, 8],
    [transactions.addOffsets, 2],
    [transactions.commitOffsetsInTransaction, 3],
    [transactions.endTransaction, 4],
    [transactions.newProtocolProduce, 4],
    [transactions.newProtocolEnd, 2],
    [transactions.describeTransactions, 2],
    [transactions.listTransactions, 1],
    [transactions.timedOutTransaction, 0.3],
  ],
  read: [
    [reading.fetchRecords, 14],
    [reading.fetchSession, 1],
    [sessions.fetchInSession, 6],
    [reading.listOffsets, 6],
    [reading.deleteRecords, 1],
    [reading.offsetForLeaderEpoch, 2],
    [reading.describeProducers, 3],
  ],
  groups: [
    [groups.join, 8],
    [groups.sync, 8],
    [groups.heartbeat, 5],
    [groups.leave, 2],
    [groups.commit, 6],
    [groups.fetchOffsets, 5],
    [groups.describeGroups, 3],
    [groups.listGroups, 1],
    [groups.deleteGroups, 1],
    [groups.deleteOffsets, 1],
    [groups.findCoordinator, 1],
  ],
  consumers: [
    [consumers.joinConsumer, 8],
    [consumers.beatConsumer, 16],
    [consumers.fullBeatConsumer, 2],
    [consumers.wrongEpochConsumer, 3],
    [consumers.leaveConsumer, 2],
    [consumers.wrongBeat, 3],
    [consumers.joinWithoutId, 0.5],
    [consumers.joinByPattern, 0.7],
    [consumers.describeConsumers, 5],
    [consumers.commitAsConsumer, 4],
    [consumers.fetchAsConsumer, 3],
    [consumers.classicRequest, 2],
  ],
  topics: [
    [topics.createTopic, 2],
    [topics.createWrongTopic, 4],
    [topics.deleteTopic, 1],
    [topics.createPartitions, 2],
    [topics.metadata, 4],
    [topics.describeTopicPartitions, 2],
    [topics.describeConfigs, 4],
    [topics.changeConfig, 2],
    [topics.replaceConfigs, 1],
    [topics.wrongConfigChange, 4],
  ],
  waiting: [[longPolls, 0.6]],
  migration: [[migrate, 0.4]],
  bad: [
    [bad.unknownVersion, 2],
    [bad.brokenBody, 4],
    [bad.badClientSoftware, 1],
    [oddRequest, 14],
  ],
}

export const areaNames: readonly string[] = Object.keys(areas)

/** One operation more, of the areas asked for. Topics and groups to work on come first. */
export function nextOperation(script: Script, only: readonly string[]): Planned {
  const plans = only.flatMap((area) => areas[area] ?? [])
  if (script.topics.length < 3) {
    const topic = topics.createTopic(script)
    if (topic !== undefined) return topic
  }
  if (script.groups.length < 3) script.groups.push(...['g1', 'g2', 'g3'].map(groups.newGroup))
  if (script.consumerGroups.length < 3) {
    const assignors = { c1: 'range', c2: 'range', c3: 'uniform' } as const
    for (const [name, assignor] of Object.entries(assignors)) {
      script.consumerGroups.push(consumers.newConsumerGroup(name, assignor))
    }
  }
  const queued = script.queue.shift()?.(script)
  if (queued !== undefined) return queued
  for (;;) {
    let at = script.between(0, 1_000_000) / 1_000_000
    at *= plans.reduce((sum, [, weight]) => sum + weight, 0)
    const chosen = plans.find(([, weight]) => (at -= weight) <= 0)
    const planned = chosen?.[0](script)
    if (planned !== undefined) return planned
  }
}
