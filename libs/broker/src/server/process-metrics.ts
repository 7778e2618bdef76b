import type { Exposition } from '../observability/exposition.ts'
import { durations } from '../observability/histogram.ts'
import type { Scheduler } from '../scheduler.ts'

const sampleMs = 100

/** What the process and this thread use. Watches from now on how late timers run, until `stop`. */
export function watchProcess(scheduler: Scheduler): { collect(into: Exposition): void; stop(): void } {
  const delay = durations()
  let isStopped = false
  const watch = (): void => {
    const dueMs = scheduler.now() + sampleMs
    scheduler.after(sampleMs, () => {
      if (isStopped) return
      delay.observe(Math.max(0, scheduler.now() - dueMs))
      watch()
    })
  }
  watch()
  return {
    collect: (into) => {
      into.histogram('keyfold_broker_event_loop_delay_seconds', delay)
      const { heapUsed, external, rss } = process.memoryUsage()
      into.sample('keyfold_broker_thread_cpu_seconds_total', seconds(process.threadCpuUsage()))
      into.sample('keyfold_broker_heap_used_bytes', heapUsed)
      into.sample('keyfold_broker_external_memory_bytes', external)
      into.sample('process_cpu_seconds_total', seconds(process.cpuUsage()))
      into.sample('process_resident_memory_bytes', rss)
      into.sample('process_start_time_seconds', (Date.now() - process.uptime() * 1000) / 1000)
    },
    stop: () => {
      isStopped = true
    },
  }
}

function seconds({ user, system }: { user: number; system: number }): number {
  return (user + system) / 1_000_000
}
