import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** Sends the signal and waits for the end; resolves with the exit code, null after a kill. One that has ended is left alone. */
export async function endProcess(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  child.kill('SIGCONT') // a paused process cannot end by itself
  const [code] = (await exited) as [number | null]
  return code
}
