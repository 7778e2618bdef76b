import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { isatty } from 'node:tty'
import type { World } from './world.ts'

/** The world of a real process. */
export function processWorld(): World {
  // `keyfold … | head` closes the pipe: whoever reads has enough, and that is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  let isStatusShown = false
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    err(line) {
      process.stderr.write(isStatusShown ? `\r\u001b[K${line}\n` : `${line}\n`)
      isStatusShown = false
    },
    status(line) {
      // Cut to the width: a line that wraps could not be taken away again.
      const shown = line.slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1))
      process.stderr.write(`\r\u001b[K${shown}`)
      isStatusShown = line !== ''
    },
    write: (bytes) => void process.stdout.write(bytes),
    async drained() {
      if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain')
    },
    env: process.env,
    stdin: process.stdin,
    isTerminal: {
      stdin: isatty(0),
      stdout: isatty(1),
      stderr: isatty(2),
    },
    onInterrupt,
    async ask(question) {
      const prompt = createInterface({ input: process.stdin, output: process.stderr })
      try {
        return await prompt.question(question)
      } finally {
        prompt.close()
      }
    },
  }
}

/** The first signal is told to the listener; without a listener the second one ends the process at once. */
function onInterrupt(listener: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const
  const forget = (): void => signals.forEach((signal) => process.off(signal, heard))
  const heard = (): void => {
    forget()
    listener()
  }
  for (const signal of signals) process.on(signal, heard)
  return forget
}
