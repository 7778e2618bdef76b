/** Where a partition's log starts, is decided, is durable and ends. */
export interface Watermarks {
  readonly logStartOffset: number
  readonly lastStableOffset: number
  readonly highWatermark: number
  readonly logEndOffset: number
}

/**
 * The one home of the invariant `logStart <= lastStable <= highWatermark <= logEnd`: every move is checked. A broken one
 * is a fault of this program; going on would show readers what a crash can take back.
 */
export function checkedWatermarks(next: Watermarks, before: Watermarks | undefined, partition: string): Watermarks {
  const { logStartOffset, lastStableOffset, highWatermark, logEndOffset } = next
  const isOrdered =
    logStartOffset <= lastStableOffset && lastStableOffset <= highWatermark && highWatermark <= logEndOffset
  const isForward =
    before === undefined ||
    (logStartOffset >= before.logStartOffset &&
      lastStableOffset >= before.lastStableOffset &&
      highWatermark >= before.highWatermark &&
      logEndOffset >= before.logEndOffset)
  if (isOrdered && isForward) return next
  const text = `${logStartOffset} <= ${lastStableOffset} <= ${highWatermark} <= ${logEndOffset}`
  throw new Error(`invariant broken: ${partition} moves to ${text} from ${JSON.stringify(before)}`)
}
