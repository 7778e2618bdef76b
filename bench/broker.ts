import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { endProcess } from '../test/end-process.ts'
import { residentMib } from '../test/resident-memory.ts'
import { median, millis, printTable } from './figures.ts'
import { inTemporaryDirectory } from './temporary-directory.ts'

const STARTS = 5

/** From process start to the line that says it serves, on an empty directory and on one that was used; idle memory. */
export async function benchBroker(): Promise<void> {
  const fresh: number[] = []
  const again: number[] = []
  const resident: number[] = []
  for (let round = 0; round < STARTS; round += 1) {
    await inTemporaryDirectory(async (directory) => {
      for (const sample of [fresh, again]) {
        const { startMs, idleMib } = await startOnce(directory)
        sample.push(startMs)
        resident.push(idleMib)
      }
    })
  }
  printTable(
    `Broker as a process, medians of ${STARTS}`,
    ['start, empty directory', 'start, used directory', 'resident memory, idle'],
    [[millis(median(fresh)), millis(median(again)), `${median(resident).toFixed(0)} MiB`]],
  )
}

async function startOnce(directory: string): Promise<{ readonly startMs: number; readonly idleMib: number }> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, ['apps/broker/dist/main.js', '--data', directory, '--port', '0'])
  await once(child.stdout, 'data')
  const startMs = performance.now() - startedAt
  await new Promise((resolve) => setTimeout(resolve, 500))
  const idleMib = await residentMib(child.pid)
  await endProcess(child, 'SIGTERM')
  return { startMs, idleMib }
}
