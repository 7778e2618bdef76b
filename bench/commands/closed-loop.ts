import { percentile } from '../figures.ts'

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

/** So many callers, each of which waits for its answer before it asks again. */
export async function closedLoop(execute: Execute, load: Load): Promise<Figures> {
  await run(execute, load, load.warmUpMs)
  const cpu = process.cpuUsage()
  const { latencies, elapsedMs } = await run(execute, load, load.measuredMs)
  const { user, system } = process.cpuUsage(cpu)
  const sorted = latencies.sort((left, right) => left - right)
  return {
    perSecond: (sorted.length / elapsedMs) * 1000,
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    cpuMicros: (user + system) / sorted.length,
  }
}

async function run(execute: Execute, { callers, aggregates }: Load, durationMs: number) {
  const latencies: number[] = []
  const startedAt = performance.now()
  let next = 0
  const caller = async () => {
    while (performance.now() - startedAt < durationMs) {
      const sentAt = performance.now()
      await execute(`a${next++ % aggregates}`)
      latencies.push(performance.now() - sentAt)
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return { latencies, elapsedMs: performance.now() - startedAt }
}
