import { parentPort, workerData } from 'node:worker_threads'
import { logTo } from '../log.ts'
import type { BrokerOptions, RunningBroker } from '../running-broker.ts'
import { startBroker } from './start-broker.ts'
import { toSent, type WorkerCommand, type WorkerMessage } from './worker-messages.ts'

/** The other side of `startBrokerWorker`: runs the broker in this thread and reports what becomes of it. */
async function main(): Promise<void> {
  // oxlint-disable-next-line require-post-message-target-origin -- a thread, not a window
  const send = (message: WorkerMessage): void => parentPort?.postMessage(message)
  // Everything but the log, which goes back as messages.
  const options = workerData as BrokerOptions
  let broker: RunningBroker
  try {
    broker = await startBroker({ ...options, log: logTo((line) => send({ type: 'log', line })) })
  } catch (error) {
    send({ type: 'failed', error: toSent(error) })
    parentPort?.close()
    return
  }
  parentPort?.on('message', (command: WorkerCommand) => {
    if (command === 'close') void broker.close()
  })
  const { host, port, address, nodeId, nodes, clusterId, metricsAddress } = broker
  send({ type: 'ready', host, port, address, nodeId, nodes, clusterId, metricsAddress })
  const error = await broker.stopped
  send({ type: 'stopped', error: error === undefined ? undefined : toSent(error) })
  parentPort?.close()
}

await main()
