import { Worker } from 'node:worker_threads'
import { BrokerError } from '../errors.ts'
import { silentLog } from '../log.ts'
import type { BrokerOptions, RunningBroker } from '../running-broker.ts'
import { fromSent, type WorkerCommand, type WorkerMessage } from './worker-messages.ts'

/**
 * Starts a broker in a worker thread: an application that embeds it keeps its own event loop, and what either of them
 * computes does not hold up the other. Rejects with the same `BrokerError`s as `startBroker`.
 */
export async function startBrokerWorker({ log = silentLog, ...options }: BrokerOptions): Promise<RunningBroker> {
  // From sources the worker is TypeScript like this file (Node strips the types), from a build JavaScript.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./worker-main.${extension}`, import.meta.url), {
    name: 'keyfold-broker',
    workerData: options,
  })
  const started = Promise.withResolvers<RunningBroker>()
  const stopped = Promise.withResolvers<BrokerError | undefined>()
  const stop = (error: BrokerError | undefined): void => {
    started.reject(error ?? new BrokerError('BROKER_FAILED', 'the broker ended before it was ready'))
    stopped.resolve(error)
  }
  const close = async (): Promise<void> => {
    // oxlint-disable-next-line require-post-message-target-origin -- a thread, not a window
    worker.postMessage('close' satisfies WorkerCommand)
    await stopped.promise
  }
  worker.on('message', (message: WorkerMessage) => {
    switch (message.type) {
      case 'log':
        return log[message.line.level](message.line.event, message.line.fields)
      case 'ready': {
        const { type: _, ...address } = message
        return started.resolve({ ...address, stopped: stopped.promise, close })
      }
      case 'failed':
        return started.reject(fromSent(message.error))
      case 'stopped':
        return stop(message.error === undefined ? undefined : fromSent(message.error))
    }
  })
  worker.on('error', (cause) => stop(new BrokerError('BROKER_FAILED', cause.message, { cause })))
  worker.on('exit', (code) => stop(code === 0 ? undefined : new BrokerError('BROKER_FAILED', `exit code ${code}`)))
  return started.promise
}
