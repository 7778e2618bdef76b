import { type Calls, closedLoop } from '../callers.ts'
import { ascending, percentile } from '../figures.ts'

/** Carries one command out and resolves when it is durable, or as durable as the contestant makes it. */
export type Execute = (aggregate: string) => Promise<unknown>

export interface Load {
  readonly callers: number
  readonly aggregates: number
  readonly warmUpMs: number
  readonly measuredMs: number
}

export interface Figures {
  readonly perSecond: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  /** Processor time of the process per command, in microseconds. */
  readonly cpuMicros: number
  /** To the cluster per transaction; null where there is none. */
  readonly roundTrips?: number | null
}

/** Callers that turn to one aggregate after the other, measured once they have warmed up. */
export async function measureLoop(execute: Execute, load: Load): Promise<Figures> {
  await run(execute, load, load.warmUpMs)
  const cpu = process.cpuUsage()
  const { latencies, elapsedMs } = await run(execute, load, load.measuredMs)
  const { user, system } = process.cpuUsage(cpu)
  const sorted = ascending(latencies)
  return {
    perSecond: (latencies.length / elapsedMs) * 1000,
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    cpuMicros: (user + system) / latencies.length,
  }
}

function run(execute: Execute, { callers, aggregates }: Load, durationMs: number): Promise<Calls> {
  let next = 0
  return closedLoop(
    callers,
    () => execute(`a${next++ % aggregates}`),
    () => durationMs,
  )
}
