import { InMemoryKafka } from '@keyfold/testing'
import type { Isolation, Offset, PartitionReader, PartitionReaderOptions } from '@keyfold/kafka'
import { describe, expect, it } from 'vitest'
import { Add } from '../testing/counter.ts'
import { openCounters, topic } from '../testing/open-counters.ts'

/** A client whose cluster shows the events only up to an offset, until it has been asked for their end so many times. */
class ForgetfulKafka extends InMemoryKafka {
  forgets = 0
  readonly #shown = 2

  override async endOffsets(name: string, isolation: Isolation): Promise<readonly Offset[]> {
    const ends = await super.endOffsets(name, isolation)
    if (name !== topic || this.forgets === 0) return ends
    this.forgets -= 1
    return ends.map((end) => Math.min(end, this.#shown))
  }

  override openPartitionReader(options: PartitionReaderOptions): PartitionReader {
    const reader = super.openPartitionReader(options)
    const isForgetful = options.topic === topic && this.forgets > 0
    return {
      next: async (wait) => {
        const batch = await reader.next(wait)
        if (!isForgetful) return batch
        const records = batch.records.filter(({ offset }) => offset < this.#shown)
        return { records, position: Math.min(batch.position, this.#shown), endOffset: this.#shown }
      },
      close: () => reader.close(),
    }
  }
}

describe('a claim that was told of an end below what is committed', () => {
  it.each([2, 3, 5])('decides nothing on what it read, and reads again (told %i times)', async (times) => {
    const kafka = new ForgetfulKafka()
    const { store, registry } = await openCounters({ kafka })
    for (let amount = 1; amount <= 3; amount++) await store.execute(new Add({ id: 'a', amount: 1 }))
    await store.close()
    const stale = new ForgetfulKafka(kafka.log)
    stale.forgets = times
    const { store: other } = await openCounters({ kafka: stale, registry, gate: { mode: 'off' } })
    const outcome = await other.execute(new Add({ id: 'a', amount: 1 }), { deadlineMs: 10_000 })
    expect(outcome).toMatchObject({ kind: 'committed', version: 4 })
    const events = await other.readEvents({ topic, key: 'a', limit: 10 })
    expect(events.map(({ aggregateVersion }) => aggregateVersion)).toEqual([1, 2, 3, 4])
    await other.close()
  })
})
