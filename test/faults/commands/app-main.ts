import { createServer, type IncomingMessage } from 'node:http'
import { type CommandOutcome, openEventStore, RegistryEventCodec } from '@keyfold/event-store'
import { connectKafka } from '@keyfold/kafka'
import { aggregatesOf, type CommandName, commandTypes } from './aggregates.ts'
import { plantedBugs } from './planted-bugs.ts'

/*
 * One process of the application under test: an event store that shares its partitions with the other processes, and an
 * HTTP door. What it notices goes to standard output, one JSON object per line.
 */

export interface AppSettings {
  readonly application: string
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly slot: string
  readonly dataDirectory: string
  readonly partitions: number
  readonly sessionTimeoutMs: number
  readonly plant: string
}

const settings = JSON.parse(process.argv[2] ?? '') as AppSettings
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)

// Nothing may end a process from inside: the lane takes it for a finding.
process.on('uncaughtExceptionMonitor', (error, origin) => say({ kind: 'died', message: `${origin}: ${error.stack}` }))

const plant = Object.entries(plantedBugs).find(([name]) => name === settings.plant)?.[1]
if (plant === undefined && settings.plant !== '') throw new Error(`there is no planted bug "${settings.plant}"`)

// Longer than a pause: who wakes up goes on with what was under way, believing that it still owns the partition.
const requestTimeoutMs = 5_000
const connected = await connectKafka({ brokers: settings.brokers, clientId: settings.slot, requestTimeoutMs })
const kafka = plant === undefined ? connected : plant(connected)
const codec = new RegistryEventCodec({ url: settings.registryUrl })
const store = await openEventStore({
  application: settings.application,
  kafka,
  codec,
  aggregates: aggregatesOf(settings.application),
  partitions: settings.partitions,
  ownership: { slot: settings.slot, sessionTimeoutMs: settings.sessionTimeoutMs, heartbeatIntervalMs: 200 },
  dataDirectory: settings.dataDirectory,
  // Small, so that the lane sees evictions, checkpoints, snapshots and an open transaction that times out.
  limits: {
    transactionTimeoutMs: 10_000,
    cachedAggregates: 8,
    checkpointAggregates: 8,
    snapshotEvery: 10,
    batchCommands: 50,
  },
  onSignal: (signal) => signal.kind === 'committed' || say(signal),
  logger: (level, message, fields) => {
    if (level === 'warn' || level === 'error') say({ kind: level, message, error: fields?.['error'] })
  },
})

interface AskedOverHttp {
  readonly name: CommandName
  readonly payload: Readonly<Record<string, unknown>>
  readonly commandId: string
  readonly expectedVersion?: number
  readonly causationId?: string
  readonly deadlineMs: number
}

async function answer(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  const { name, payload, ...options } = JSON.parse(text) as AskedOverHttp
  const Type = commandTypes[name] as unknown as new (
    payload: unknown,
  ) => InstanceType<(typeof commandTypes)[CommandName]>
  return plain(await store.execute(new Type(payload), options))
}

function plain(outcome: CommandOutcome): unknown {
  if (outcome.kind !== 'failed' && outcome.kind !== 'unknown') return outcome
  const { kind, error, commandId } = outcome
  return { kind, commandId, code: error.code, message: error.message, details: error.details }
}

const server = createServer((request, response) => {
  answer(request).then(
    (body) => response.end(JSON.stringify(body)),
    (error: unknown) => {
      say({ kind: 'error', message: String(error) })
      response.statusCode = 500
      response.end()
    },
  )
})
server.listen(0, '127.0.0.1', () => say({ kind: 'up', address: server.address() }))
process.on('SIGTERM', () => {
  server.close()
  store.close().then(
    () => process.exit(0),
    () => process.exit(1),
  )
})
