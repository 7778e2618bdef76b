import { Produce, type ResponseOf } from '@keyfold/protocol'
import { BackOff, delay } from './back-off.ts'
import { brokerErrorName } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import { inDoubt, notAnswered, refusal, type StepOutcome } from './commit-step.ts'
import { judgeProduce } from './commit-verdicts.ts'
import type { Offset, PartitionPlace } from './kafka-client.ts'

/** A batch that is encoded already: a repetition is the same bytes with the same sequence, so it cannot double. */
export interface PreparedBatch extends PartitionPlace {
  readonly batch: Buffer
}

export type ProduceOutcome =
  | { readonly kind: 'done'; readonly baseOffset: Offset }
  | Exclude<StepOutcome, { readonly kind: 'done' }>

export interface ProduceRoute {
  readonly lane: string
  readonly transactionalId: string
  /** Of Produce: from 12 on a batch adds its partition to the transaction by itself (KIP-890). */
  readonly versionMax: number
}

/** Writes the batches, one request per leader side by side, and repeats those that did not take effect. */
export async function produceAll(
  cluster: Cluster,
  route: ProduceRoute,
  batches: readonly PreparedBatch[],
): Promise<readonly ProduceOutcome[]> {
  const deadline = Date.now() + cluster.settings.requestTimeoutMs
  const backOff = new BackOff(5, 200)
  const outcomes = new Map<PreparedBatch, ProduceOutcome>()
  for (let open = batches; ;) {
    const answers = await produceOnce(cluster, route, open)
    const again: PreparedBatch[] = []
    for (const batch of open) {
      const answer = answers.get(batch) ?? { kind: 'unknown', error: new Error('the broker did not mention the batch') }
      if (answer.kind === 'retry' && Date.now() < deadline && !cluster.closed) again.push(batch)
      else outcomes.set(batch, answer.kind === 'retry' ? { kind: 'refused', error: answer.error } : answer)
    }
    // A partition that failed for good ends the transaction: the others need no further attempt.
    if (again.length === 0 || [...outcomes.values()].some(({ kind }) => kind !== 'done')) break
    for (const { topic } of again) cluster.forget(topic)
    await delay(backOff.next())
    open = again
  }
  return batches.map(
    (batch) =>
      outcomes.get(batch) ?? { kind: 'refused', error: new Error('another partition of the transaction failed') },
  )
}

type Answer = ProduceOutcome | { readonly kind: 'retry'; readonly error: Error }

async function produceOnce(
  cluster: Cluster,
  route: ProduceRoute,
  batches: readonly PreparedBatch[],
): Promise<ReadonlyMap<PreparedBatch, Answer>> {
  const answers = new Map<PreparedBatch, Answer>()
  const byLeader = new Map<number, PreparedBatch[]>()
  for (const batch of batches) {
    try {
      const leader = await cluster.leaderOf(batch.topic, batch.partition)
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch])
    } catch (error) {
      answers.set(batch, unanswered(error))
    }
  }
  await Promise.all(
    [...byLeader].map(async ([leader, led]) => {
      try {
        const results = await request(cluster, route, leader, led)
        for (const batch of led) answers.set(batch, answerFor(batch, results, route.transactionalId))
      } catch (error) {
        for (const batch of led) answers.set(batch, unanswered(error))
      }
    }),
  )
  return answers
}

function answerFor(batch: PreparedBatch, { responses }: ResponseOf<typeof Produce>, transactionalId: string): Answer {
  const topic = responses.find(({ name }) => name === batch.topic)
  const result = topic?.partitionResponses.find(({ index }) => index === batch.partition)
  if (result === undefined) return { kind: 'unknown', error: new Error('the broker did not mention the batch') }
  if (result.errorCode === 0) return { kind: 'done', baseOffset: result.baseOffset }
  const errorName = brokerErrorName(result.errorCode)
  const verdict = judgeProduce(errorName)
  return {
    kind: verdict,
    error: refusal(verdict, errorName, `Produce to ${batch.topic}/${batch.partition} by ${transactionalId}`),
  }
}

function unanswered(error: unknown): Answer {
  const missing = notAnswered(error)
  if (missing.inDoubt) return { kind: 'unknown', error: missing.error }
  return { kind: missing.error.retriable ? 'retry' : 'refused', error: missing.error }
}

async function request(
  cluster: Cluster,
  { lane, transactionalId, versionMax }: ProduceRoute,
  leader: number,
  batches: readonly PreparedBatch[],
): Promise<ResponseOf<typeof Produce>> {
  const link = await cluster.linkTo(leader, lane)
  const topicData = Array.from(
    Map.groupBy(batches, ({ topic }) => topic),
    ([name, led]) => ({
      name,
      partitionData: led.map(({ partition, batch }) => ({ index: partition, records: batch })),
    }),
  )
  const data = { transactionalId, acks: -1, timeoutMs: cluster.settings.requestTimeoutMs, topicData }
  return inDoubt(link.ask(Produce, data, versionMax, 1_000))
}
