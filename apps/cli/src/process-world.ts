import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { isatty } from 'node:tty'
import type { World } from './world.ts'

/** The world of a real process. */
export function processWorld(): World {
  // `keyfold … | head` closes the pipe: whoever reads has enough, and that is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
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
