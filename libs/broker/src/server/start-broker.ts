import { MemoryFiles, NodeFiles } from '@keyfold/storage'
import { Broker } from '../broker.ts'
import type { Clock } from '../broker-context.ts'
import { BrokerConfig } from '../config/broker-config.ts'
import { BrokerError } from '../errors.ts'
import { type BrokerLog, silentLog } from '../log.ts'
import type { BrokerOptions, RunningBroker } from '../running-broker.ts'
import type { Scheduler } from '../scheduler.ts'
import { platformCompressors } from './compressors.ts'
import { Listener } from './listener.ts'
import type { Observation } from './observation.ts'
import { machineTimers } from './timers.ts'

/**
 * Starts a broker in this thread and resolves once clients can connect. Rejects with a `BrokerError`: CONFIG_INVALID,
 * PORT_IN_USE, LISTEN_FAILED, DATA_DIRECTORY_LOCKED, DATA_DIRECTORY_UNUSABLE, JOURNAL_CORRUPT, …
 */
export async function startBroker(options: BrokerOptions): Promise<RunningBroker> {
  const { host = '127.0.0.1', log = silentLog } = options
  const config = new BrokerConfig(options.config)
  const listeners = await openListeners(host, options.port ?? 0, config.number('keyfold.virtual.brokers'))
  const [advertised, ...furtherAdvertised] = listeners.map(({ port }, n) => ({
    host: options.advertisedHost ?? host,
    port: options.advertisedPort === undefined ? port : options.advertisedPort + n,
  }))
  if (advertised === undefined) throw new Error('a broker has at least one listener')
  const timers = machineTimers()
  const failed = Promise.withResolvers<BrokerError>()
  let observation: Observation | undefined
  try {
    observation = await observe(options, config, timers.scheduler)
    const broker = await Broker.open({
      files: options.memory === true ? new MemoryFiles({ crashable: false }) : new NodeFiles(options.dataDirectory),
      config,
      log,
      advertised,
      furtherAdvertised,
      scheduler: timers.scheduler,
      clock: machineClock(),
      compressors: platformCompressors(),
      randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
      onFatal: failed.resolve,
    })
    for (const [n, node] of broker.cluster.nodes.entries()) listeners[n]?.serve(broker.as(node))
    observation?.serves(broker)
    warnOfLoss(config, options, log)
    return running(broker, { host, listeners, timers, observation, failure: failed.promise })
  } catch (error) {
    timers.stop()
    await closeAll(listeners)
    await observation?.close()
    throw error
  }
}

interface Rim {
  host: string
  listeners: readonly Listener[]
  timers: { stop(): void }
  observation: Observation | undefined
  /** Settles when the disk fails. */
  failure: Promise<BrokerError>
}

function running(broker: Broker, { host, listeners, timers, observation, failure }: Rim): RunningBroker {
  const { log, node, cluster, catalog } = broker
  const { nodeId } = node
  const { clusterId } = catalog
  const address = `${node.host}:${node.port}`
  const stopped = Promise.withResolvers<BrokerError | undefined>()
  let ending: Promise<BrokerError | undefined> | undefined
  const end = async (reason: BrokerError | undefined): Promise<BrokerError | undefined> => {
    observation?.ends(reason)
    await closeAll(listeners)
    const closed = broker.close().then(() => undefined, asBrokerError)
    const error = reason ?? (await closed)
    timers.stop()
    await observation?.close()
    if (error === undefined) log.info('broker.closed', { address })
    else log.error('broker.failed', { address, code: error.code, reason: error.message })
    stopped.resolve(error)
    return error
  }
  void failure.then((error) => (ending ??= end(error)))
  const metricsAddress = observation?.address
  log.info('broker.ready', { address, nodeId, clusterId, topics: catalog.size, metricsAddress })
  return {
    host,
    port: listeners[0]?.port ?? node.port,
    address,
    nodeId,
    nodes: cluster.nodes,
    clusterId,
    metricsAddress,
    stopped: stopped.promise,
    close: async () => {
      const error = await (ending ??= end(undefined))
      if (error !== undefined) throw error
    },
  }
}

/** Metrics and health over HTTP, where they are asked for: otherwise not even their code is loaded. */
async function observe(
  { metricsPort: port, metricsHost: host = '127.0.0.1' }: BrokerOptions,
  config: BrokerConfig,
  scheduler: Scheduler,
): Promise<Observation | undefined> {
  if (port === undefined) return undefined
  const { Observation: Opened } = await import('./observation.ts')
  return Opened.open({ host, port, config, scheduler })
}

/** One listener for each node: at consecutive ports, or at free ones. */
async function openListeners(host: string, port: number, count: number): Promise<Listener[]> {
  const listeners: Listener[] = []
  try {
    for (let n = 0; n < count; n++) listeners.push(await Listener.open(host, port === 0 ? 0 : port + n))
  } catch (error) {
    await closeAll(listeners)
    throw error
  }
  return listeners
}

async function closeAll(listeners: readonly Listener[]): Promise<void> {
  await Promise.all(listeners.map((listener) => listener.close()))
}

function asBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error
  return new BrokerError('BROKER_FAILED', error instanceof Error ? error.message : String(error), { cause: error })
}

/** Wall clock for timestamps, and one that never jumps for timeouts. */
function machineClock(): Clock {
  const startMs = Date.now() - performance.now()
  return { wall: () => Date.now(), steady: () => Math.floor(startMs + performance.now()) }
}

function warnOfLoss(config: BrokerConfig, options: BrokerOptions, log: BrokerLog): void {
  const durability = config.text('keyfold.durability')
  if (options.memory === true || durability === 'fsync') return
  const lost =
    durability === 'interval'
      ? `the last ${config.number('keyfold.durability.interval.ms')} ms of acknowledged records`
      : 'acknowledged records that the operating system has not written yet'
  log.warn('broker.not-durable', { durability, lostAtPowerFailure: lost })
}
