import { InvalidArgumentError } from 'commander'
import { defineCommand } from '../command.ts'
import { objectOf, orNull, text, whole } from '../json-schema.ts'
import { parsePort } from '../parse-numbers.ts'
import { parseSetting } from '../parse-settings.ts'
import { untilAborted } from '../until-aborted.ts'

interface StartOptions {
  readonly data: string
  readonly host: string
  readonly port: number
  readonly memory?: boolean
  readonly metricsPort?: number
  readonly metricsHost?: string
  readonly advertise?: { readonly advertisedHost: string; readonly advertisedPort: number }
  readonly set?: Readonly<Record<string, string>>
}

export const brokerStart = defineCommand<StartOptions>({
  path: 'broker start',
  summary: 'start a Kafka-compatible broker',
  details: 'It runs until Ctrl-C. The first line on stdout says where it listens.',
  options: [
    { flags: '--data <dir>', description: 'folder for its data', default: '.keyfold/broker' },
    { flags: '--memory', description: 'keep nothing on disk: everything is gone when it stops' },
    { flags: '--host <host>', description: 'address to listen on', default: '127.0.0.1' },
    { flags: '--port <port>', description: 'port to listen on; 0 takes a free one', parse: parsePort, default: 9092 },
    {
      flags: '--metrics-port <port>',
      description: 'serve /metrics, /health and /ready over HTTP there; 0 takes a free one (default: not at all)',
      parse: parsePort,
    },
    { flags: '--metrics-host <host>', description: 'address for that (default: 127.0.0.1, this machine only)' },
    {
      flags: '--advertise <host:port>',
      description: 'what clients are told to connect to, where it differs (containers)',
      parse: parseAdvertised,
    },
    { flags: '--set <key=value>', description: 'a broker setting under Kafka’s name; repeat it', parse: parseSetting },
  ],
  examples: [
    ['keyfold broker start --data .keyfold/broker --port 9092', 'start a broker that keeps its data'],
    ['keyfold broker start --memory --port 0', 'start one for a test, on any free port'],
  ],
  data: objectOf({
    address: text,
    clusterId: text,
    pid: whole,
    dataDirectory: orNull(text),
    metricsAddress: orNull(text),
  }),
  runsUntilStopped: true,
  async run({ signal, stream }, { data, memory, advertise, set: config = {}, ...listening }) {
    // Loaded here, so that no other command waits for it.
    const { startBroker } = await import('@keyfold/broker')
    const place = memory ? { memory } : { dataDirectory: data }
    const broker = await startBroker({ ...listening, ...advertise, ...place, config })
    const { address, clusterId, metricsAddress = null } = broker
    const started = { address, clusterId, pid: process.pid, dataDirectory: memory ? null : data, metricsAddress }
    const observed = metricsAddress === null ? '' : `, metrics on http://${metricsAddress}/metrics`
    stream.announce(started, `broker ${address} ${memory ? 'in memory' : `in ${data}`}${observed}`)
    const failure = await Promise.race([untilAborted(signal), broker.stopped])
    await broker.close()
    if (failure) throw failure
    return undefined
  },
})

function parseAdvertised(given: string): StartOptions['advertise'] {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(given)
  const advertisedHost = match?.[1] ?? match?.[2]
  const advertisedPort = Number(match?.[3])
  if (advertisedHost !== undefined && advertisedPort > 0 && advertisedPort <= 65_535)
    return { advertisedHost, advertisedPort }
  throw new InvalidArgumentError('Give host:port')
}
