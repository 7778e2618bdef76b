import { brokerError, brokerErrorName } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import { judgeInit } from './commit-verdicts.ts'
import { Coordinator } from './coordinator.ts'
import { KafkaClientError } from './errors.ts'
import { type LastTransaction, lastTransaction, settleForgotten, withNote } from './forgotten-transactions.ts'
import type { FeatureLevels, TransactionalProducerOptions } from './kafka-client.ts'
import { retrying } from './retry.ts'
import { FencedProducer, type Identity } from './transactional-producer.ts'
import { apis } from './wire-apis.ts'

/** Each for its own: until every earlier transaction is decided, and until nothing forgotten is left of them. */
const deadlineMs = 60_000

/**
 * Runs InitProducerId until the cluster has decided every earlier transaction of the id.
 * Errors: `BROKER_REFUSED`, `BROKER_BUSY` or `KAFKA_UNREACHABLE` when the cluster does not get there in time;
 * `TRANSACTION_UNDECIDED`.
 */
export async function openTransactionalProducer(
  cluster: Cluster,
  options: TransactionalProducerOptions,
  lane: string,
): Promise<FencedProducer> {
  const { transactionalId, transactionTimeoutMs, partitions: places = [] } = options
  const coordinator = new Coordinator(cluster, transactionalId, lane)
  const { identity, last, features } = await retrying({ deadlineMs, firstWaitMs: 10, capMs: 20 }, () =>
    initialise(coordinator, options),
  )
  if (last !== undefined)
    await retrying({ deadlineMs, before: () => places.forEach(({ topic }) => cluster.forget(topic)) }, () =>
      settleForgotten(cluster, { transactionalId, last, places, lane }),
    )
  return new FencedProducer(
    cluster,
    coordinator,
    { transactionalId, ...identity },
    {
      transactionTimeoutMs,
      bumpsEpoch:
        (features.get('transaction.version')?.finalized ?? 0) >= 2 && cluster.settings.transactionVersionMax >= 2,
      endsLater: features.has('metadata.version'),
    },
  )
}

interface Initialised {
  readonly identity: Omit<Identity, 'transactionalId'>
  readonly last: LastTransaction | undefined
  readonly features: ReadonlyMap<string, FeatureLevels>
}

/**
 * One attempt. What became of the transaction before has to be asked first, and on the same connection: InitProducerId
 * makes the coordinator forget it, and no node can restart between the two without breaking the connection.
 */
async function initialise(
  coordinator: Coordinator,
  { transactionalId, transactionTimeoutMs, partitions }: TransactionalProducerOptions,
): Promise<Initialised> {
  const link = await coordinator.link()
  const features = await link.features()
  const last = partitions === undefined ? undefined : await lastTransaction(coordinator, link, transactionalId)
  const { errorCode, producerId, producerEpoch } = await link.call(apis.initProducerId, {
    transactionalId,
    transactionTimeout:
      partitions === undefined ? transactionTimeoutMs : withNote(transactionTimeoutMs, last?.decision),
  })
  if (errorCode === 0) return { identity: { producerId: Number(producerId), producerEpoch }, last, features }
  const errorName = brokerErrorName(errorCode)
  if (judgeInit(errorName) !== 'retry') throw brokerError(errorName, `InitProducerId of ${transactionalId}`)
  coordinator.mayHaveMoved(errorName)
  throw new KafkaClientError('BROKER_BUSY', `InitProducerId of ${transactionalId}: ${errorName}`)
}
