import { KafkaError } from '@keyfold/protocol'
import { afterEach, describe, expect, it } from 'vitest'

import {
  add,
  closeAll,
  end,
  init,
  nowMs,
  partition,
  type Placement,
  type Producer,
  produce,
  read,
  restart,
  settle,
  startFresh,
  timeoutMs,
  type TransactionWorld,
} from '../testing/transaction-rehearsal.ts'

afterEach(closeAll)

const adding: Placement = { adds: true }

/** EndTxn v5: the producer goes on with what it returns. */
function finish(world: TransactionWorld, producer: Producer, committed: boolean) {
  const { errorCode, producerId, producerEpoch } = end(world, producer, committed, true)
  return { transactionalId: producer.transactionalId, errorCode, producerId, producerEpoch }
}

function code(outcome: { errorCode: number }): string {
  return Object.values(KafkaError).find((error) => error.code === outcome.errorCode)?.name ?? '?'
}

/** A producer with the last epoch that is given out. */
function exhausted(world: TransactionWorld): Producer {
  let producer = init(world)
  while (producer.producerEpoch < 32_766) producer = init(world, 'tx', producer)
  return producer
}

describe('transaction version 2', () => {
  it('statement 26: producing adds the partition and begins the transaction', async () => {
    const world = await startFresh()
    const producer = init(world)
    expect(produce(world, producer, 'a', 0, adding)).toBe(0)
    expect(world.transactions.describe('tx')).toMatchObject({
      state: 'Ongoing',
      startMs: nowMs,
      partitions: [{ topic: 'a', partition: 0 }],
    })
    const { lastLsn } = world.storage
    expect(produce(world, producer, 'a', 1, adding)).toBe(0)
    // The batch, and nothing about the partition.
    expect(world.storage.lastLsn).toBe(lastLsn + 1)
    expect(produce(world, { ...producer, producerEpoch: 5 }, 'a', 2, adding)).toBe(
      KafkaError.INVALID_PRODUCER_EPOCH.code,
    )
    expect(produce(world, { ...producer, transactionalId: 'no' }, 'a', 2, adding)).toBe(
      KafkaError.INVALID_PRODUCER_ID_MAPPING.code,
    )
  })

  it('statement 16: a producer that is new to the partition starts at sequence 0', async () => {
    const world = await startFresh()
    const producer = init(world)
    expect(produce(world, producer, 'a', 3, adding)).toBe(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER.code)
    expect(produce(world, producer, 'a', 0, adding)).toBe(0)
    const next = finish(world, producer, true)
    expect(produce(world, next, 'a', 1, adding)).toBe(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER.code)
    expect(produce(world, next, 'a', 0, adding)).toBe(0)
  })

  it('statement 27: every end takes the producer to a new epoch; a retry with the old one gets the same answer', async () => {
    const world = await startFresh()
    const producer = init(world)
    produce(world, producer, 'a', 0, adding)
    const next = finish(world, producer, true)
    expect(next).toMatchObject({ errorCode: 0, producerId: producer.producerId, producerEpoch: 1 })
    expect(finish(world, producer, true)).toEqual(next)
    expect(code(finish(world, producer, false))).toBe('INVALID_TXN_STATE')
    expect(code(finish(world, { ...next, producerEpoch: 2 }, true))).toBe('PRODUCER_FENCED')
    // A client of the first generation cannot mean that retry.
    expect(code(end(world, producer, true))).toBe('PRODUCER_FENCED')
    expect(world.storage.lastLsn).toBe(end(world, producer, true, true).lsn)
    produce(world, next, 'a', 0, adding)
    expect(code(finish(world, producer, true))).toBe('PRODUCER_FENCED')
    expect(finish(world, next, false)).toMatchObject({ errorCode: 0, producerEpoch: 2 })
    await settle(world)
    expect(await read(world, 'a', 'read_committed')).toEqual(['tx0', '<commit>', '<abort>'])
  })

  it('statement 27: a transaction that never began may be aborted, not committed', async () => {
    const world = await startFresh()
    const producer = init(world)
    expect(code(finish(world, producer, true))).toBe('INVALID_TXN_STATE')
    const next = finish(world, producer, false)
    expect(next).toMatchObject({ errorCode: 0, producerEpoch: 1 })
    expect(world.transactions.describe('tx')).toMatchObject({ state: 'CompleteAbort', producerEpoch: 1 })
    expect(finish(world, next, false)).toMatchObject({ errorCode: 0, producerEpoch: 2 })
    expect(code(finish(world, { ...next, producerEpoch: 2 }, true))).toBe('INVALID_TXN_STATE')
  })

  it('statement 27: an end that bumped nothing makes no retry of the epoch before, unlike in Kafka', async () => {
    const world = await startFresh()
    const older = init(world)
    const producer = init(world)
    add(world, producer, 'a')
    expect(end(world, producer, false).errorCode).toBe(0)
    expect(code(finish(world, older, true))).toBe('PRODUCER_FENCED')
  })

  it('statement 30: markers carry the bumped epoch, so that nothing of the ended transaction comes in late', async () => {
    const world = await startFresh()
    const producer = init(world)
    produce(world, producer, 'a', 0, adding)
    finish(world, producer, true)
    expect(partition(world, 'a').describeProducers()).toMatchObject([{ producerEpoch: 1, lastSequence: -1 }])
    expect(produce(world, producer, 'a', 1, adding)).toBe(KafkaError.INVALID_PRODUCER_EPOCH.code)
  })

  it('statement 24: the end in the last epoch hands over a new producer id with epoch 0, also again', async () => {
    const world = await startFresh()
    const producer = exhausted(world)
    produce(world, producer, 'a', 0, adding)
    const next = finish(world, producer, true)
    expect(next).toMatchObject({ errorCode: 0, producerEpoch: 0 })
    expect(next.producerId).not.toBe(producer.producerId)
    expect(partition(world, 'a').describeProducers()).toMatchObject([{ producerEpoch: 32_767 }])
    expect(finish(world, producer, true)).toEqual(next)
    expect(code(finish(world, producer, false))).toBe('INVALID_TXN_STATE')
    expect(init(world, 'tx', producer)).toMatchObject({ errorCode: 0, producerId: next.producerId, producerEpoch: 0 })
    expect(init(world, 'tx', next)).toMatchObject({ errorCode: 0, producerId: next.producerId, producerEpoch: 1 })
    expect(code(init(world, 'tx', producer))).toBe('PRODUCER_FENCED')
  })

  it('statement 24: fencing in the last epoch does the same', async () => {
    const world = await startFresh()
    const producer = exhausted(world)
    produce(world, producer, 'a', 0, adding)
    expect(code(init(world))).toBe('CONCURRENT_TRANSACTIONS')
    expect(world.transactions.describe('tx')).toMatchObject({ state: 'CompleteAbort', producerEpoch: 0 })
    expect(finish(world, producer, false)).toMatchObject({ errorCode: 0, producerEpoch: 0 })
    expect(init(world)).toMatchObject({ errorCode: 0, producerEpoch: 1 })
  })

  it('statement 22: a producer that names its epoch recovers in the one that fenced it', async () => {
    const world = await startFresh()
    const producer = init(world)
    produce(world, producer, 'a', 0, adding)
    expect(code(init(world, 'tx', producer))).toBe('CONCURRENT_TRANSACTIONS')
    expect(init(world, 'tx', producer)).toMatchObject({ errorCode: 0, producerEpoch: 1 })
  })

  it('statement 29: after its transaction ran out of time a producer may abort and go on, but not commit', async () => {
    const world = await startFresh()
    const producer = init(world)
    produce(world, producer, 'a', 0, adding)
    world.transactions.tick(nowMs + timeoutMs + 1)
    expect(produce(world, producer, 'a', 1, adding)).toBe(KafkaError.INVALID_PRODUCER_EPOCH.code)
    expect(code(finish(world, producer, true))).toBe('INVALID_TXN_STATE')
    const next = finish(world, producer, false)
    expect(next).toMatchObject({ errorCode: 0, producerEpoch: 1 })
    expect(produce(world, next, 'a', 0, adding)).toBe(0)
  })

  it('both generations take turns with one id', async () => {
    const world = await startFresh()
    const producer = init(world)
    add(world, producer, 'a')
    produce(world, producer, 'a', 0)
    expect(code(end(world, producer, true))).toBe('NONE')
    // The same epoch again: not a retry of the end, but the end of a transaction that never began.
    expect(code(finish(world, producer, true))).toBe('INVALID_TXN_STATE')
    expect(produce(world, producer, 'b', 0, adding)).toBe(0)
    const next = finish(world, producer, false)
    add(world, next, 'a')
    expect(produce(world, next, 'a', 0)).toBe(0)
    expect(code(end(world, next, true))).toBe('NONE')
    expect(code(end(world, next, true))).toBe('NONE')
    await settle(world)
    expect(await read(world, 'a', 'read_committed')).toEqual(['tx0', '<commit>', 'tx0', '<commit>'])
    expect(await read(world, 'b', 'read_committed')).toEqual(['<abort>'])
  })

  it('statement 37: a durable end survives with its epoch, an open transaction is aborted with one', async () => {
    const before = await startFresh()
    const producer = init(before)
    produce(before, producer, 'a', 0, adding)
    const ended = end(before, producer, true, true)
    await before.storage.durable(ended.lsn)
    const world = await restart(before)
    expect(finish(world, producer, true)).toMatchObject({ errorCode: 0, producerEpoch: 1 })
    const next = { ...producer, producerEpoch: 1 }
    produce(world, next, 'a', 0, adding)
    await settle(world)
    const again = await restart(world)
    expect(code(finish(again, next, true))).toBe('INVALID_TXN_STATE')
    expect(finish(again, next, false)).toMatchObject({ errorCode: 0, producerEpoch: 2 })
    await settle(again)
    expect(await read(again, 'a', 'read_committed')).toEqual(['tx0', '<commit>', '<abort>'])
  })
})
