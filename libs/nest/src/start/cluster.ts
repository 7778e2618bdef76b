import { connectKafka, type KafkaClient } from '@keyfold/kafka'
import { startBundledBroker, startBundledRegistry } from '../bundled.ts'
import type { Closers } from '../closers.ts'
import { fail } from '../errors.ts'
import type { ResolvedOptions } from '../keyfold-options.ts'
import type { Log } from '../logging.ts'

/** Where everything can be reached. */
export interface Addresses {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly clusterId: string
  readonly bundledBroker: boolean
  /** Metrics of the bundled broker, where they were asked for. */
  readonly metricsUrl?: string
}

/** A cluster and a registry that an application works on: given, or bundled. */
export interface Cluster {
  readonly kafka: KafkaClient
  readonly addresses: Addresses
  /** Resolves with the error when the bundled broker stops by itself. */
  readonly failure: Promise<Error>
}

/** Errors: `KAFKA_UNREACHABLE`, `OPTIONS_INVALID` for tools without a cluster, those of the bundled parts. */
export async function openCluster(options: ResolvedOptions, closers: Closers, log: Log): Promise<Cluster> {
  const isGiven = (options.brokers ?? options.kafka) !== undefined
  if (!isGiven && options.role === 'none')
    throw fail('OPTIONS_INVALID', 'the role none starts no broker: KAFKA_BROKERS must name the one to look at')
  const broker = isGiven ? undefined : await startBundledBroker(options, log)
  if (broker) closers.add('the bundled broker', 'base', () => broker.close())
  const brokers = options.brokers ?? (broker ? [broker.address] : [])
  const kafka = options.kafka ?? (await connect(brokers, options, log))
  if (options.kafka === undefined) closers.add('the Kafka client', 'base', () => kafka.close())
  const { clusterId } = await kafka.cluster()
  const registryUrl = options.schemaRegistryUrl ?? (await bundledRegistry(kafka, options, { closers, log }))
  const failure = new Promise<Error>((resolve) => {
    void broker?.stopped.then((error) => error && resolve(error))
  })
  const metricsUrl = broker?.metricsAddress && `http://${broker.metricsAddress}/metrics`
  const addresses = { brokers, registryUrl, clusterId, bundledBroker: !!broker, ...(metricsUrl && { metricsUrl }) }
  return { kafka, failure, addresses }
}

async function bundledRegistry(
  kafka: KafkaClient,
  options: ResolvedOptions,
  { closers, log }: { readonly closers: Closers; readonly log: Log },
): Promise<string> {
  if (options.role === 'none')
    throw fail('OPTIONS_INVALID', 'the role none starts no registry: SCHEMA_REGISTRY_URL must name the one to read')
  const registry = await startBundledRegistry(kafka, options, log)
  closers.add('the bundled registry', 'base', () => registry.close())
  return registry.address
}

/** Tries as often as the options say. */
async function connect(brokers: readonly string[], options: ResolvedOptions, log: Log): Promise<KafkaClient> {
  const { attempts, delayMs, timeoutMs } = options.connection
  for (let attempt = 1; ; attempt += 1) {
    try {
      const clientId = options.application
      return await connectKafka({ brokers: [...brokers], clientId, connectTimeoutMs: timeoutMs, log })
    } catch (cause) {
      if (!isUnreachable(cause)) throw cause
      const why = cause.message
      if (attempt >= attempts) {
        const times = attempts === 1 ? 'once' : `${attempts} times`
        throw fail('KAFKA_UNREACHABLE', `no Kafka at ${brokers.join(', ')}, tried ${times}: ${why}`, { cause })
      }
      log('warn', `no Kafka at ${brokers.join(', ')} yet; trying again`, { attempt, of: attempts, why })
      await new Promise((resolve) => setTimeout(resolve, delayMs))
    }
  }
}

function isUnreachable(error: unknown): error is Error {
  return error instanceof Error && (error as { readonly code?: unknown }).code === 'KAFKA_UNREACHABLE'
}
