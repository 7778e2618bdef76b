import { parseArgs } from 'node:util'
import { UsageError } from './failure.ts'

export interface RegistryAppOptions {
  readonly host: string
  readonly port: number
  readonly kafka: readonly string[]
  readonly replicationFactor: number | undefined
}

/** Flags first, then `KAFKA_BROKERS`. Throws `UsageError`. */
export function parseOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): RegistryAppOptions {
  const values = parseFlags(args)
  const brokers = (values.kafka ?? environment['KAFKA_BROKERS'] ?? '').split(',').filter((address) => address !== '')
  if (brokers.length === 0) throw new UsageError('no Kafka is named, neither by --kafka nor by KAFKA_BROKERS')
  for (const address of brokers) {
    if (!/^(\[[^\]]+\]|[^:[\]]+):\d{1,5}$/.test(address)) throw new UsageError(`${address} is not host:port`)
  }
  const port = wholeNumber('--port', values.port, 8081, 65_535)
  const factor = values['replication-factor']
  const replicationFactor = factor === undefined ? undefined : wholeNumber('--replication-factor', factor, 1, 32_767)
  return { host: values.host ?? '127.0.0.1', port, kafka: brokers, replicationFactor }
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        host: { type: 'string' },
        port: { type: 'string' },
        kafka: { type: 'string' },
        'replication-factor': { type: 'string' },
      },
    }).values
  } catch (error) {
    const [firstSentence = ''] = (error as Error).message.split('. ')
    throw new UsageError(firstSentence)
  }
}

function wholeNumber(flag: string, text: string | undefined, fallback: number, max: number): number {
  if (text === undefined) return fallback
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= max)) throw new UsageError(`${flag} ${text} is not a whole number from 0 to ${max}`)
  return value
}
