import { InMemoryKafka } from '@keyfold/testing'
import type { Isolation, TransactionalProducerOptions } from '@keyfold/kafka'
import { describe, expect, it } from 'vitest'
import { Add } from '../testing/counter.ts'
import { openCounters } from '../testing/open-counters.ts'

/** A client whose process stands still while it is paused. */
class PausedKafka extends InMemoryKafka {
  pause: Promise<void> = Promise.resolve()

  override async endOffsets(topic: string, isolation: Isolation) {
    await this.pause
    return super.endOffsets(topic, isolation)
  }

  override async openTransactionalProducer(options: TransactionalProducerOptions) {
    await this.pause
    return super.openTransactionalProducer(options)
  }
}

describe('a claim whose commit was not answered', () => {
  it.each(['lose-answer', 'lose-request'] as const)(
    'is not made again once another process has claimed (%s)',
    async (fault) => {
      const kafka = new PausedKafka()
      kafka.log.commitFaults.push(fault)
      const { store, openAnother } = await openCounters({ kafka })
      const { promise, resolve } = Promise.withResolvers<void>()
      kafka.pause = promise
      const other = await openAnother()
      resolve()
      const outcome = await store.execute(new Add({ id: 'a', amount: 1 }), { deadlineMs: 5_000 })
      expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'NOT_OWNER' } })
      // The other one goes on undisturbed.
      expect(await other.execute(new Add({ id: 'a', amount: 1 }))).toMatchObject({ kind: 'committed', version: 1 })
      await Promise.all([store.close(), other.close()])
    },
  )
})
