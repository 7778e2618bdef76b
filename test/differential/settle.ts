import type { Settle } from './operation.ts'

/** The part of a side that settling needs. */
export interface Asked {
  readonly title: string
  readonly topicIds: { set(name: string, value: string): void }
  setLeaderEpoch(topic: string, partition: number, epoch: number): void
  ask(api: string, version: number, request: unknown): Promise<Readonly<Record<string, unknown>>>
}

interface TopicAnswer {
  readonly errorCode: number
  readonly topicId: string
  readonly partitions: readonly TopicPartition[]
}

interface TopicPartition {
  readonly errorCode: number
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly partitionIndex: number
}

/** Waits until what was answered can be seen: Kafka's controller and coordinators answer before every broker knows. */
export async function settle(side: Asked, awaited: readonly Settle[]): Promise<void> {
  for (const each of awaited) {
    const deadline = Date.now() + 120_000
    while (!(await hasHappened(side, each))) {
      if (Date.now() > deadline) throw new Error(`${side.title} did not settle: ${JSON.stringify(each)}`)
      await pause(10)
    }
  }
}

async function hasHappened(side: Asked, awaited: Settle): Promise<boolean> {
  switch (awaited.kind) {
    case 'pause':
      await pause(awaited.ms)
      return true
    case 'topic': {
      const topic = await describeTopic(side, awaited.topic)
      const led = topic.partitions.filter(({ leaderId, errorCode }) => leaderId >= 0 && errorCode === 0)
      if (topic.errorCode !== 0 || led.length !== awaited.partitions) return false
      if (!(await isServed(side, awaited.topic, awaited.partitions))) return false
      side.topicIds.set(awaited.topic, topic.topicId)
      for (const { partitionIndex, leaderEpoch } of topic.partitions) {
        side.setLeaderEpoch(awaited.topic, partitionIndex, leaderEpoch)
      }
      return true
    }
    case 'no topic':
      return (await describeTopic(side, awaited.topic)).errorCode === 3
    case 'transaction':
      return !(await transactionState(side, awaited.transactionalId)).startsWith('Prepare')
    case 'transaction timed out':
      return (await transactionState(side, awaited.transactionalId)) === 'CompleteAbort'
    case 'pattern':
      return isResolved(side, awaited)
    case 'coordinators':
      return areLoaded(side)
    case 'config':
      return (await configOf(side, awaited.topic, awaited.key)) === awaited.value
  }
}

/**
 * A member's regular expression is resolved in the background by Kafka, which then moves the group to another epoch. So
 * it beats in full until its epoch stands still for a while: there is no other sign of it.
 */
async function isResolved(side: Asked, { group, member }: { group: string; member: string }): Promise<boolean> {
  const before = await epochOf(side, group)
  await pause(300)
  const request = { groupId: group, memberId: member, memberEpoch: before, topicPartitions: [] }
  const { errorCode } = await side.ask('ConsumerGroupHeartbeat', 1, request)
  return errorCode === 0 && (await epochOf(side, group)) === before
}

async function epochOf(side: Asked, group: string): Promise<number> {
  const answer = await side.ask('ConsumerGroupDescribe', 1, { groupIds: [group] })
  const [description] = answer['groups'] as readonly { readonly members: readonly { readonly memberEpoch: number }[] }[]
  return description?.members[0]?.memberEpoch ?? 0
}

/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR */
const LOADING = new Set([14, 15, 16])

/** So many groups and ids that every partition of a coordinator's topic has some. */
const strangers = Array.from({ length: 32 }, (_, index) => `stranger-${index}`)

async function areLoaded(side: Asked): Promise<boolean> {
  const found = await side.ask('FindCoordinator', 4, { keyType: 0, coordinatorKeys: strangers })
  const asked = strangers.map((groupId) => ({ groupId, topics: [] }))
  const offsets = await side.ask('OffsetFetch', 8, { groups: asked, requireStable: false })
  const states = await side.ask('DescribeTransactions', 0, { transactionalIds: strangers })
  const answers = [found['coordinators'], offsets['groups'], states['transactionStates']].flat()
  return (answers as readonly { readonly errorCode: number }[]).every(({ errorCode }) => !LOADING.has(errorCode))
}

async function transactionState(side: Asked, transactionalId: string): Promise<string> {
  const answer = await side.ask('DescribeTransactions', 0, { transactionalIds: [transactionalId] })
  const [description] = answer['transactionStates'] as readonly { readonly transactionState: string }[]
  return description?.transactionState ?? ''
}

async function describeTopic(side: Asked, name: string): Promise<TopicAnswer> {
  const answer = await side.ask('Metadata', 12, { topics: [{ name }], allowAutoTopicCreation: false })
  const [topic] = answer['topics'] as readonly TopicAnswer[]
  if (topic === undefined) throw new Error(`${side.title} said nothing about topic ${name}`)
  return topic
}

/** Leaders are known a moment before they lead. */
async function isServed(side: Asked, name: string, count: number): Promise<boolean> {
  const partitions = Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1 }))
  const answer = await side.ask('ListOffsets', 7, { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions }] })
  const [topic] = answer['topics'] as readonly { readonly partitions: readonly { readonly errorCode: number }[] }[]
  return topic?.partitions.every(({ errorCode }) => errorCode === 0) ?? false
}

async function configOf(side: Asked, topic: string, key: string): Promise<string | null | undefined> {
  const resources = [{ resourceType: 2, resourceName: topic, configurationKeys: [key] }]
  const answer = await side.ask('DescribeConfigs', 4, { resources })
  const [result] = answer['results'] as readonly {
    configs: readonly { name: string; value: string; configSource: number }[]
  }[]
  const config = result?.configs.find(({ name }) => name === key)
  // null: the topic has no value of its own any more.
  return config?.configSource === 1 ? config.value : null
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
