import { parseArgs } from 'node:util'
import type { BrokerOptions } from '@keyfold/broker'

/** What the command line asks for. */
export type CommandLine =
  | { kind: 'start'; options: BrokerOptions; format: 'text' | 'json' }
  | { kind: 'help' }
  | { kind: 'error'; what: string }

type Environment = Readonly<Record<string, string | undefined>>

export const helpText = `keyfold-broker: a single-node broker that speaks the Kafka protocol

  --data <directory>     where the data is kept (default .keyfold/broker)
  --memory               keep everything in memory instead: gone at the end
  --host <address>       address to listen on (default 127.0.0.1: this machine only)
  --port <number>        port to listen on (default 9092; 0 picks a free one)
  --advertise <host:port> what clients are told to connect to, if it differs
  --virtual-brokers <n>  answer as so many nodes, on this port and the next ones, over the same data
  --metrics-port <number> serve /metrics, /health and /ready over HTTP there (0 picks a free one; default: not at all,
                         or KEYFOLD_BROKER_METRICS_PORT)
  --metrics-host <address> address for that (default 127.0.0.1: this machine only)
  --set <key>=<value>    a broker setting under Kafka's name; may be repeated
  --json                 say that the broker is ready, and log, in JSON lines
  --help                 this text`

const optionTable = {
  data: { type: 'string', default: '.keyfold/broker' },
  memory: { type: 'boolean', default: false },
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '9092' },
  advertise: { type: 'string' },
  'virtual-brokers': { type: 'string' },
  'metrics-port': { type: 'string' },
  'metrics-host': { type: 'string' },
  set: { type: 'string', multiple: true, default: [] as string[] },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/** Reads the arguments and the environment; nothing is started or touched yet. */
export function readCommandLine(args: readonly string[], env: Environment = {}): CommandLine {
  let values
  try {
    ;({ values } = parseArgs({ args: [...args], options: optionTable, strict: true }))
  } catch (error) {
    return { kind: 'error', what: error instanceof Error ? error.message : String(error) }
  }
  if (values.help) return { kind: 'help' }
  const port = portNumber(values.port)
  if (port === undefined) return { kind: 'error', what: `--port ${values.port} is not a port number (0 to 65535)` }
  const config = settings(values.set)
  if (typeof config === 'string') return { kind: 'error', what: `--set ${config} is not of the form key=value` }
  const nodes = values['virtual-brokers']
  if (nodes !== undefined) config['keyfold.virtual.brokers'] = nodes
  const advertised = values.advertise === undefined ? {} : advertisedAddress(values.advertise)
  if (advertised === undefined) return { kind: 'error', what: `--advertise ${values.advertise} is not host:port` }
  const metrics = metricsOptions(values, env)
  if (typeof metrics === 'string') return { kind: 'error', what: `${metrics} is not a port number (0 to 65535)` }
  const rest = { host: values.host, port, config, ...advertised, ...metrics }
  const options: BrokerOptions = values.memory ? { memory: true, ...rest } : { dataDirectory: values.data, ...rest }
  return { kind: 'start', options, format: values.json ? 'json' : 'text' }
}

/** The options, or the text that is no port. */
function metricsOptions(
  values: { 'metrics-port'?: string; 'metrics-host'?: string },
  env: Environment,
): { metricsPort?: number; metricsHost?: string } | string {
  const { 'metrics-port': flag, 'metrics-host': host } = values
  const text = flag ?? (env['KEYFOLD_BROKER_METRICS_PORT'] || undefined)
  if (text === undefined) return {}
  const metricsPort = portNumber(text)
  if (metricsPort === undefined)
    return `${flag === undefined ? 'KEYFOLD_BROKER_METRICS_PORT' : '--metrics-port'} ${text}`
  return { metricsPort, ...(host !== undefined && { metricsHost: host }) }
}

function portNumber(text: string): number | undefined {
  const port = Number(text)
  return /^\d{1,5}$/.test(text) && port <= 65_535 ? port : undefined
}

function advertisedAddress(text: string): { advertisedHost: string; advertisedPort: number } | undefined {
  const at = text.lastIndexOf(':')
  const advertisedPort = portNumber(text.slice(at + 1))
  return at < 1 || advertisedPort === undefined ? undefined : { advertisedHost: text.slice(0, at), advertisedPort }
}

/** The settings, or the first text that is none. */
function settings(pairs: readonly string[]): Record<string, string> | string {
  const config: Record<string, string> = {}
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) return pair
    config[pair.slice(0, at)] = pair.slice(at + 1)
  }
  return config
}
