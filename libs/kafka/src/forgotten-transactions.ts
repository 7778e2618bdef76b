import { DescribeProducers, DescribeTransactions, WriteTxnMarkers } from '@keyfold/protocol'
import { brokerError, brokerErrorName } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import type { Coordinator } from './coordinator.ts'
import { KafkaClientError } from './errors.ts'
import type { PartitionPlace } from './kafka-client.ts'
import type { NodeLink } from './node-link.ts'

/*
 * A coordinator decides a transaction first and ends it in its partitions then, by a marker in each. An Apache Kafka that
 * is killed in between may, while it starts, take a partition that it has not learned of yet for a deleted one, skip its
 * marker, and call the transaction complete. Its records then wait for whatever the producer does next there: an abort
 * takes them away, although their commit was acknowledged. So the coordinator is asked how the last transaction ended, and
 * what it forgot is ended the same way, as `kafka-transactions` would, before anything new is written.
 */

export type Decision = 'commit' | 'abort'

/** The newest transaction of a transactional id, as its coordinator has it. */
export interface LastTransaction {
  readonly producerId: number
  readonly producerEpoch: number
  /** A coordinator's word: `Empty`, `Ongoing`, `PrepareCommit`, `CompleteCommit` … */
  readonly state: string
  /** Undefined while it is open, and where nobody knows any more. */
  readonly decision: Decision | undefined
}

/**
 * Asks a coordinator. Undefined when the id is new to it, or when the node is older than Apache Kafka 3.0.
 * Errors: `BROKER_BUSY`, `BROKER_REFUSED`, `KAFKA_UNREACHABLE`.
 */
export async function lastTransaction(
  coordinator: Coordinator,
  link: NodeLink,
  transactionalId: string,
): Promise<LastTransaction | undefined> {
  if (!link.has(DescribeTransactions)) return undefined
  const { transactionStates } = await link.ask(DescribeTransactions, { transactionalIds: [transactionalId] })
  const [told] = transactionStates
  const errorName = told === undefined ? 'UNKNOWN_SERVER_ERROR' : brokerErrorName(told.errorCode)
  if (errorName === 'TRANSACTIONAL_ID_NOT_FOUND') return undefined
  if (told === undefined || errorName !== 'NONE') {
    coordinator.mayHaveMoved(errorName)
    throw brokerError(errorName, `DescribeTransactions of ${transactionalId}`)
  }
  const { producerId, producerEpoch, transactionState: state, transactionTimeoutMs } = told
  const decision = state === 'Empty' ? notedIn(transactionTimeoutMs) : decisions[state]
  return { producerId, producerEpoch, state, decision }
}

/** By the states of a coordinator (KIP-98, KIP-664). */
const decisions: Readonly<Record<string, Decision>> = {
  PrepareCommit: 'commit',
  CompleteCommit: 'commit',
  PrepareAbort: 'abort',
  CompleteAbort: 'abort',
}

/**
 * InitProducerId makes a coordinator forget how the transaction before ended. The last digit of the time-out that it is
 * given keeps that: it is stored in the same step, so that whoever comes after a crash still finds it.
 */
export function withNote(transactionTimeoutMs: number, decision: Decision | undefined): number {
  const tens = Math.floor(transactionTimeoutMs / 10) * 10
  return decision === undefined ? tens : tens - 10 + digits[decision]
}

const digits = { commit: 1, abort: 2 } as const satisfies Readonly<Record<Decision, number>>

function notedIn(transactionTimeoutMs: number): Decision | undefined {
  const digit = transactionTimeoutMs % 10
  if (digit === digits.commit) return 'commit'
  return digit === digits.abort ? 'abort' : undefined
}

export interface Settlement {
  readonly transactionalId: string
  /** It must not be open, and nobody may be able to begin another one under its id. */
  readonly last: LastTransaction
  readonly places: readonly PartitionPlace[]
  readonly lane: string
}

/**
 * Ends what is left of a decided transaction in these partitions, as it was decided.
 * Errors: `TRANSACTION_UNDECIDED`; `BROKER_REFUSED` where the cluster's rules do not let this client write markers (it
 * needs `Alter` on the cluster); those that pass: to be called again then.
 */
export async function settleForgotten(cluster: Cluster, settlement: Settlement): Promise<void> {
  const { places, lane } = settlement
  const leaders = await Promise.all(
    places.map(async (place) => ({ place, leader: await cluster.leaderOf(place.topic, place.partition) })),
  )
  for (const [leader, led] of Map.groupBy(leaders, (each) => each.leader)) {
    const link = await cluster.linkTo(leader, lane)
    if (!link.has(DescribeProducers) || !link.has(WriteTxnMarkers, WriteTxnMarkers.versions[0])) continue
    const asked = led.map(({ place }) => place)
    for (const left of await openWrites(link, settlement, asked)) {
      await writeMarker(link, settlement, left)
      const { topic, partition, startOffset } = left
      cluster.settings.log('warn', `a node had forgotten the end of a transaction in ${topic}/${partition}`, {
        transactionalId: settlement.transactionalId,
        startOffset,
        endedBy: settlement.last.decision,
      })
    }
  }
}

interface OpenWrite extends PartitionPlace {
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  readonly startOffset: number
}

async function openWrites(
  link: NodeLink,
  { transactionalId, last }: Settlement,
  places: readonly PartitionPlace[],
): Promise<readonly OpenWrite[]> {
  const { topics } = await link.ask(DescribeProducers, { topics: byTopic(places) })
  return topics.flatMap(({ name: topic, partitions }) =>
    partitions.flatMap(({ partitionIndex: partition, errorCode, activeProducers }): readonly OpenWrite[] => {
      if (errorCode !== 0)
        throw brokerError(
          brokerErrorName(errorCode),
          `DescribeProducers of ${topic}/${partition} for ${transactionalId}`,
        )
      const own = activeProducers.find(({ producerId }) => producerId === last.producerId)
      // A newer epoch is of somebody who has taken the id over since, and at work.
      if (own === undefined || own.currentTxnStartOffset < 0 || own.producerEpoch > last.producerEpoch) return []
      const { producerEpoch, coordinatorEpoch, currentTxnStartOffset: startOffset } = own
      return [{ topic, partition, producerEpoch, coordinatorEpoch, startOffset }]
    }),
  )
}

/** With the epoch of the records, so that markers of the coordinator, which have at least that one, still pass. */
async function writeMarker(link: NodeLink, { transactionalId, last }: Settlement, left: OpenWrite): Promise<void> {
  const { topic, partition, producerEpoch, startOffset } = left
  const place = `${topic}/${partition}`
  if (last.decision === undefined) {
    const message = `${place} has records of ${transactionalId} from offset ${startOffset} on, without an end, and nobody knows whether they were committed`
    throw new KafkaClientError('TRANSACTION_UNDECIDED', message, { details: { topic, partition, startOffset } })
  }
  const marker = {
    producerId: last.producerId,
    producerEpoch,
    // None has been written there by a coordinator yet when it is -1.
    coordinatorEpoch: Math.max(0, left.coordinatorEpoch),
    transactionResult: last.decision === 'commit',
    topics: byTopic([left]),
  }
  const { markers } = await link.ask(WriteTxnMarkers, { markers: [marker] })
  const errorCode = markers[0]?.topics[0]?.partitions[0]?.errorCode ?? -1
  if (errorCode !== 0)
    throw brokerError(brokerErrorName(errorCode), `WriteTxnMarkers for ${place} and ${transactionalId}`)
}

function byTopic(places: readonly PartitionPlace[]): { name: string; partitionIndexes: number[] }[] {
  const topics = Map.groupBy(places, ({ topic }) => topic)
  return Array.from(topics, ([name, of]) => ({ name, partitionIndexes: of.map(({ partition }) => partition) }))
}
