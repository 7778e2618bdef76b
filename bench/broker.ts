import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, millis, printTable } from './figures.ts'

const STARTS = 5

/** From process start to the line that says it serves, on an empty directory and on one that was used; idle memory. */
export async function benchBroker(): Promise<void> {
  const fresh: number[] = []
  const again: number[] = []
  const resident: number[] = []
  for (let round = 0; round < STARTS; round += 1) {
    const directory = await mkdtemp(join(tmpdir(), 'keyfold-bench-broker-'))
    for (const sample of [fresh, again]) {
      const { startMs, residentMib } = await startOnce(directory)
      sample.push(startMs)
      resident.push(residentMib)
    }
    await rm(directory, { recursive: true })
  }
  printTable(
    `Broker as a process, medians of ${STARTS}`,
    ['start, empty directory', 'start, used directory', 'resident memory, idle'],
    [[millis(median(fresh)), millis(median(again)), `${median(resident).toFixed(0)} MiB`]],
  )
}

async function startOnce(directory: string): Promise<{ readonly startMs: number; readonly residentMib: number }> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, ['apps/broker/dist/main.js', '--data', directory, '--port', '0'])
  await once(child.stdout, 'data')
  const startMs = performance.now() - startedAt
  await new Promise((resolve) => setTimeout(resolve, 500))
  const residentMib = await residentMemoryMib(child.pid ?? 0)
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
  return { startMs, residentMib }
}

async function residentMemoryMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024
}
