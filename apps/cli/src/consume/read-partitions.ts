import type { Isolation, KafkaClient, StoredRecord } from '@keyfold/kafka'

export interface PartitionToRead {
  readonly topic: string
  readonly partition: number
  readonly from: number
  /** Where to stop; undefined: never. */
  readonly until: number | undefined
}

export interface ReadOptions {
  readonly kafka: KafkaClient
  readonly isolation: Isolation
  readonly signal: AbortSignal
  /**
   * Gets records in the order of their partition, one batch at a time and never two at once, with the offset up to
   * which the partition has been seen; answers whether it wants more.
   */
  readonly onRecords: (records: readonly StoredRecord[], from: PartitionToRead, position: number) => Promise<boolean>
}

/** Every reader has a connection of its own. */
const READERS_MAX = 16
const WAIT_MS = 250

/** Reads partitions side by side until each has reached its end, nobody wants more, or the signal is aborted. */
export async function readPartitions(partitions: readonly PartitionToRead[], options: ReadOptions): Promise<void> {
  const isEndless = partitions.some(({ until }) => until === undefined)
  const waiting = partitions.filter(({ from, until }) => until === undefined || from < until)
  const turn = new Turn()
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !turn.isOver; next = waiting.shift())
      await readOne(next, options, turn)
  }
  const readers = isEndless ? waiting.length : Math.min(READERS_MAX, waiting.length)
  await Promise.all(Array.from({ length: readers }, work))
}

async function readOne(partition: PartitionToRead, options: ReadOptions, turn: Turn): Promise<void> {
  const { kafka, isolation, signal, onRecords } = options
  const { topic, until } = partition
  const reader = kafka.openPartitionReader({
    topic,
    partition: partition.partition,
    fromOffset: partition.from,
    isolation,
  })
  try {
    for (;;) {
      if (signal.aborted || turn.isOver) return
      const { records, position } = await reader.next({ maxWaitMs: WAIT_MS })
      const wanted = until === undefined ? records : records.filter(({ offset }) => offset < until)
      await turn.take(async () => {
        if (signal.aborted) return false
        return onRecords(wanted, partition, until === undefined ? position : Math.min(position, until))
      })
      if (until !== undefined && position >= until) return
    }
  } finally {
    await reader.close()
  }
}

/** One batch at a time: what is printed and counted does not get mixed up. */
class Turn {
  #last: Promise<void> = Promise.resolve()
  #isOver = false

  get isOver(): boolean {
    return this.#isOver
  }

  take(work: () => Promise<boolean>): Promise<void> {
    const mine = this.#last.then(async () => {
      if (!this.#isOver && !(await work())) this.#isOver = true
    })
    // Whoever is next does not fail with it: it fails for the one that waits for it.
    this.#last = mine.catch(() => void (this.#isOver = true))
    return mine
  }
}
