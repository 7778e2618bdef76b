import { parseArgs } from 'node:util'
import { UsageError } from './failure.ts'

export interface RegistryAppOptions {
  readonly host: string
  readonly port: number
  readonly kafka: readonly string[]
  readonly replicationFactor: number | undefined
  readonly advertisedUrl: string | undefined
  readonly writeTimeoutMs: number | undefined
  /** As which version of Confluent's registry it answers. */
  readonly answers: '7.x' | '8.x'
}

/** Flags first, then `KAFKA_BROKERS` and `REGISTRY_ADVERTISED_URL`. Throws `UsageError`. */
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
  const port = wholeNumber('--port', values.port ?? '8081', [0, 65_535])
  const replicationFactor = optionalNumber('--replication-factor', values['replication-factor'], 32_767)
  const writeTimeoutMs = optionalNumber('--write-timeout-ms', values['write-timeout-ms'], 600_000)
  const advertisedUrl = values['advertised-url'] ?? environment['REGISTRY_ADVERTISED_URL']
  if (advertisedUrl !== undefined && !isHttpUrl(advertisedUrl)) {
    throw new UsageError(`--advertised-url ${advertisedUrl} is not an http:// or https:// address`)
  }
  const { host = '127.0.0.1', answers = '8.x' } = values
  if (answers !== '7.x' && answers !== '8.x') throw new UsageError(`--answers ${answers} is neither 7.x nor 8.x`)
  return { host, port, kafka: brokers, replicationFactor, advertisedUrl, writeTimeoutMs, answers }
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
        'advertised-url': { type: 'string' },
        'write-timeout-ms': { type: 'string' },
        answers: { type: 'string' },
      },
    }).values
  } catch (error) {
    const [firstSentence = ''] = (error as Error).message.split('. ')
    throw new UsageError(firstSentence)
  }
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^/?#]/.test(text) && URL.canParse(text)
}

function optionalNumber(flag: string, text: string | undefined, max: number): number | undefined {
  return text === undefined ? undefined : wholeNumber(flag, text, [1, max])
}

function wholeNumber(flag: string, text: string, [min, max]: readonly [min: number, max: number]): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) {
    throw new UsageError(`${flag} ${text} is not a whole number from ${min} to ${max}`)
  }
  return value
}
