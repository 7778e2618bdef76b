import type { BrokerLog } from '@keyfold/broker'
import type { KafkaClient } from '@keyfold/kafka'
import type { RegistryLog } from '@keyfold/registry'
import type { ResolvedOptions } from './keyfold-options.ts'
import type { Log } from './logging.ts'

/** A bundled part while it runs. */
export interface Bundled {
  /** `host:port` of the broker, the URL of the registry. */
  readonly address: string
  /** `host:port` of the broker's metrics and health, where they were asked for. */
  readonly metricsAddress?: string | undefined
  /** Resolves when it stops: with the error when it stopped by itself. */
  readonly stopped: Promise<Error | undefined>
  close(): Promise<void>
}

/**
 * Starts the bundled broker in a thread of its own. The packages are loaded only here: an application on an Apache Kafka
 * never loads them.
 */
export async function startBundledBroker(options: ResolvedOptions, log: Log): Promise<Bundled> {
  const { startBrokerWorker } = await import('@keyfold/broker')
  const { port, ...rest } = options.bundledBroker ?? {}
  const dataDirectory = `${options.dataDirectory}/broker`
  return await onUsualPort(port, USUAL_BROKER_PORT, (chosen) =>
    startBrokerWorker({ dataDirectory, port: chosen, log: brokerLog(log), ...rest }),
  )
}

export async function startBundledRegistry(kafka: KafkaClient, options: ResolvedOptions, log: Log): Promise<Bundled> {
  const { startRegistry } = await import('@keyfold/registry')
  const registry = await onUsualPort(options.bundledRegistry?.port, USUAL_REGISTRY_PORT, (port) =>
    startRegistry({ kafka, port, tell: registryLog(log) }),
  )
  return { address: registry.url, stopped: new Promise(() => {}), close: () => registry.close() }
}

/** What the broker finds worth telling an application: not that it has started, but that it cut a torn tail. */
function brokerLog(log: Log): BrokerLog {
  return {
    info: (event, fields) => log('debug', `broker: ${event}`, fields),
    warn: (event, fields) => log('warn', `broker: ${event}`, fields),
    error: (event, fields) => log('error', `broker: ${event}`, fields),
  }
}

/** Not that it writes, which a single one always does, but that another one took over, or what it cannot read. */
function registryLog(log: Log): RegistryLog {
  return (level, message, fields) => log(level === 'info' ? 'debug' : level, `registry: ${message}`, fields)
}

const USUAL_BROKER_PORT = 9092
const USUAL_REGISTRY_PORT = 8081

/** A port that was asked for is taken or refused; otherwise the usual one when it is free, else any. */
async function onUsualPort<Started>(
  asked: number | undefined,
  usual: number,
  start: (port: number) => Promise<Started>,
): Promise<Started> {
  if (asked !== undefined) return await start(asked)
  try {
    return await start(usual)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'PORT_IN_USE') throw error
    return await start(0)
  }
}
