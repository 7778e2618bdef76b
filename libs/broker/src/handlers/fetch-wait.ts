import type { BrokerContext } from '../broker-context.ts'
import type { Partition } from '../partition/partition.ts'
import type { Call } from './handler.ts'

/** One partition of a fetch, as far as waiting is concerned. */
export interface FetchTarget {
  /** Undefined where the answer is an error already: then nobody waits. */
  readonly partition: Partition | undefined
  readonly offset: number
  readonly maxBytes: number
}

export interface FetchWait {
  readonly targets: readonly FetchTarget[]
  readonly isolation: 'read_uncommitted' | 'read_committed'
  readonly minBytes: number
  readonly maxWaitMs: number
}

/**
 * Resolves as soon as enough can be read, something has to be answered at once (an error, an offset out of range, a
 * topic that was deleted), or the time is over. False if the client is gone meanwhile.
 */
export async function waitForData(broker: BrokerContext, call: Call, wait: FetchWait): Promise<boolean> {
  if (wait.maxWaitMs <= 0 || isAnswerable(broker, wait)) return true
  const { scheduler, metrics } = broker
  const startMs = scheduler.now()
  return new Promise((resolve) => {
    const end = (isWanted: boolean): void => {
      metrics.fetchWait.observe(scheduler.now() - startMs)
      timer.cancel()
      stopListening()
      for (const stop of unsubscribe) stop()
      resolve(isWanted)
    }
    const timer = scheduler.after(wait.maxWaitMs, () => end(true))
    const stopListening = call.onEnded(() => end(false))
    const look = (): void => {
      if (isAnswerable(broker, wait)) end(true)
    }
    const partitions = new Set(wait.targets.flatMap(({ partition }) => partition ?? []))
    const unsubscribe = Array.from(partitions, (partition) => partition.onAdvance(look))
  })
}

function isAnswerable({ partitions }: BrokerContext, { targets, isolation, minBytes }: FetchWait): boolean {
  // A client that wants nothing does not want to wait for it either.
  if (targets.length === 0) return true
  let bytes = 0
  for (const { partition, offset, maxBytes } of targets) {
    if (partition === undefined || partitions.get(partition.topic, partition.index) !== partition) return true
    if (offset < partition.logStartOffset || offset > partition.logEndOffset) return true
    bytes += partition.availableBytes(offset, isolation, maxBytes)
    if (bytes >= minBytes) return true
  }
  return bytes >= minBytes
}
