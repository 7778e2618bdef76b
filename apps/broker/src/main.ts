#!/usr/bin/env node
import { BrokerError, type BrokerLog, logTo, startBroker } from '@keyfold/broker'
import { helpText, readCommandLine } from './command-line.ts'

/** Exit codes as in sysexits.h: what a supervisor can tell apart. */
const exitCodes = { usage: 64, unavailable: 69, software: 70, ioError: 74, config: 78 } as const

const exitCodeOf: Record<BrokerError['code'], number> = {
  PORT_IN_USE: exitCodes.unavailable,
  LISTEN_FAILED: exitCodes.unavailable,
  DATA_DIRECTORY_LOCKED: exitCodes.unavailable,
  DATA_DIRECTORY_UNUSABLE: exitCodes.ioError,
  JOURNAL_CORRUPT: exitCodes.ioError,
  CHECKPOINT_CORRUPT: exitCodes.ioError,
  FORMAT_UNSUPPORTED: exitCodes.ioError,
  STORAGE_FAILED: exitCodes.ioError,
  CONFIG_INVALID: exitCodes.config,
  BROKER_FAILED: exitCodes.software,
}

/** Runs the broker until it is told to end (SIGTERM, SIGINT) or its disk fails. */
async function main(): Promise<void> {
  const command = readCommandLine(process.argv.slice(2), process.env)
  if (command.kind === 'help') return console.log(helpText)
  if (command.kind === 'error') {
    console.error(`USAGE: ${command.what}. Fix: keyfold-broker --help lists the options.`)
    process.exitCode = exitCodes.usage
    return
  }
  const broker = await startBroker({ ...command.options, log: stderrLog() })
  // Before anybody is told that the broker is ready: from then on it may be asked to end.
  // What goes wrong on closing comes out of `stopped`.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void broker.close().catch(() => {}))
  const { address, clusterId, nodeId, metricsAddress } = broker
  const addresses = broker.nodes.map(({ host, port }) => `${host}:${port}`)
  const { host, port, nodes } = broker
  const ready = { event: 'ready', address, host, port, nodeId, nodes, clusterId, metricsAddress, pid: process.pid }
  const observed = metricsAddress === undefined ? '' : `, metrics on http://${metricsAddress}/metrics`
  const readyLine = `keyfold-broker ready on ${addresses.join(',')}${observed}`
  console.log(command.format === 'json' ? JSON.stringify(ready) : readyLine)
  const error = await broker.stopped
  if (error !== undefined) throw error
}

/** Log lines as newline-delimited JSON on standard error; standard output has the one line that says it is ready. */
function stderrLog(): BrokerLog {
  return logTo(({ level, event, fields }) => {
    process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`)
  })
}

try {
  await main()
} catch (error) {
  const known = error instanceof BrokerError ? error : new BrokerError('BROKER_FAILED', String(error), { cause: error })
  console.error(known.toLine())
  process.exit(exitCodeOf[known.code])
}
