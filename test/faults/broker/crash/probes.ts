import { ConsumerGroupHeartbeat, EndTxn, Heartbeat, InitProducerId, Produce } from '@keyfold/protocol'
import type { Broker } from '../../../../libs/broker/src/broker.ts'
import type { BatchToSend } from '../simulation/sim-requests.ts'
import { type Scene, type SceneMember, type SceneProducer, serve } from './scene.ts'
import { bytesOf, placeOf, type SendOptions } from './steps-logs.ts'

/** What clients of a scene ask a recovered broker, to see whether it still knows them. */
export async function probe(broker: Broker, scene: Scene): Promise<string[]> {
  const problems: string[] = []
  for (const { transactionalId, producer } of scene.fenced) {
    problems.push(...(await fencedProblems(broker, transactionalId, producer)))
  }
  for (const [name, producer] of scene.producers) {
    problems.push(...(await producerProblems(broker, scene, { name, producer })))
  }
  for (const [name, member] of scene.members) problems.push(...(await memberProblems(broker, name, member)))
  for (const [groupId, generation] of scene.generations) {
    problems.push(...(await generationProblems(broker, groupId, generation)))
  }
  problems.push(...(await newProducerProblems(broker, scene)))
  return problems
}

/** Somebody else has the transactional id: what its former owner ends is refused. */
async function fencedProblems(broker: Broker, transactionalId: string, producer: Owner): Promise<string[]> {
  const { producerId, producerEpoch } = producer
  const request = { transactionalId, producerId, producerEpoch, committed: true }
  const { errorCode } = await serve(broker, { api: EndTxn, version: 3, request })
  return errorCode === 0 ? [`fencing: epoch ${producerEpoch} of ${transactionalId} may still commit`] : []
}

type Owner = Pick<SceneProducer, 'producerId' | 'producerEpoch'>

async function producerProblems(
  broker: Broker,
  scene: Scene,
  { name, producer }: { name: string; producer: SceneProducer },
): Promise<string[]> {
  const { inDoubt, answered, transactionalId, hasBegun } = producer
  const problems: string[] = []
  if (transactionalId !== null) {
    // What was under way is aborted, and its producer hears of it.
    return hasBegun === true ? fencedProblems(broker, transactionalId, producer) : []
  }
  for (const { batch, baseOffset, options } of answered.values()) {
    const again = await send(broker, scene, { batch, options })
    if (again.errorCode !== 0 || again.baseOffset !== baseOffset) {
      problems.push(`repeat: a batch of ${name} at ${baseOffset} gets ${again.errorCode}, ${again.baseOffset}`)
    }
  }
  if (inDoubt !== undefined) {
    const { errorCode } = await send(broker, scene, inDoubt)
    if (errorCode !== 0) problems.push(`repeat: what ${name} was not told about is refused with ${errorCode}`)
  }
  for (const [at, baseSequence] of producer.sequences) {
    const { producerId, producerEpoch } = producer
    const values = [`${name} goes on`]
    const batch = { producerId, producerEpoch, ...placeOf(at), baseSequence, values, transactionalId: null }
    const { errorCode } = await send(broker, scene, { batch, options: {} })
    if (errorCode !== 0) problems.push(`repeat: ${name} cannot go on with ${baseSequence}: ${errorCode}`)
  }
  return problems
}

async function send(
  broker: Broker,
  { clock }: Scene,
  { batch, options }: { batch: BatchToSend; options: SendOptions },
) {
  const partitionData = [{ index: batch.partition, records: bytesOf(batch, clock.wall(), options) }]
  const topicData = [{ name: batch.topic, partitionData }]
  const request = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData }
  const { responses } = await serve(broker, { api: Produce, version: 9, request })
  const answer = responses[0]?.partitionResponses[0]
  return { errorCode: answer?.errorCode ?? -1, baseOffset: answer?.baseOffset ?? -1 }
}

/** A member that was told its epoch goes on in it. */
async function memberProblems(broker: Broker, name: string, member: SceneMember) {
  const { groupId, memberId, instanceId, epoch, isClassic, assigned = [] } = member
  if (isClassic) {
    const request = { groupId, generationId: epoch, memberId, groupInstanceId: instanceId }
    const { errorCode } = await serve(broker, { api: Heartbeat, version: 3, request })
    return errorCode === 0 ? [] : [`membership: ${name} gets ${errorCode} in generation ${epoch} of ${groupId}`]
  }
  const topicPartitions = assigned.map(({ topicId, partitions }) => ({ topicId, partitions: [...partitions] }))
  const request = { groupId, memberId, memberEpoch: epoch, instanceId, topicPartitions }
  const answer = await serve(broker, { api: ConsumerGroupHeartbeat, version: 1, request })
  if (answer.errorCode !== 0) return [`membership: ${name} gets ${answer.errorCode} in epoch ${epoch} of ${groupId}`]
  return answer.memberEpoch < epoch
    ? [`membership: ${name} goes back from epoch ${epoch} to ${answer.memberEpoch}`]
    : []
}

/** What has handed out work once is never followed by a generation of the same number. */
async function generationProblems(broker: Broker, groupId: string, generation: number): Promise<string[]> {
  const group = broker.groups.all().find((each) => each.groupId === groupId)
  const found = group?.generationId ?? 0
  return found >= generation ? [] : [`generation: ${found} of ${groupId} after ${generation}`]
}

/** Ids of producers are given out once. */
async function newProducerProblems(broker: Broker, { producers }: Scene): Promise<string[]> {
  const request = { transactionalId: null, transactionTimeoutMs: 1000 }
  const { producerId } = await serve(broker, { api: InitProducerId, version: 4, request })
  return [...producers].flatMap(([name, producer]) =>
    producer.producerId === producerId ? [`producer id: ${producerId} of ${name} is given out again`] : [],
  )
}
