import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findPostgres, startPostgres } from '../../libs/projections/src/testdata/postgres-server.ts'
import { startApacheKafka } from '../../test/kafka/apache-kafka.ts'
import { KAFKA_VERSION, whyNoKafka } from '../../test/kafka/distribution.ts'
import { startBundled } from '../broker-vs-kafka/processes.ts'
import { runChild } from '../child.ts'
import { machine, median, millis, printTable, whole } from '../figures.ts'
import type { Figures, Load } from './closed-loop.ts'
import { addressOf, installEmmett } from './emmett.ts'
import { benchHandOver } from './hand-over.ts'
import { benchMemory } from './memory.ts'
import type { ContestantName, Place } from './measure.ts'

const { values: options } = parseArgs({
  options: {
    callers: { type: 'string', default: '1,16,32,64,256' },
    partitions: { type: 'string', default: '1,8' },
    bytes: { type: 'string', default: '100,1024' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '1.5' },
    parts: { type: 'string', default: 'mkha' },
    touched: { type: 'string', default: '1000000' },
    aggregates: { type: 'string', default: '2000' },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
})
const help = `Durable commands in a closed loop, beside what one would take or write instead.

  --parts <mkha>         m the comparison on the bundled broker, k on an Apache Kafka, h partitions that change hands,
                         a memory over ever more aggregates
  --callers <numbers>    (default 1,16,32,64,256)
  --partitions <numbers> (default 1,8)
  --bytes <numbers>      of an event (default 100,1024)
  --rounds <number>      of which the median is taken (default 3)
  --seconds <number>     of each figure and round (default 1.5)
  --aggregates <number>  that the callers turn to (default 2000)
  --touched <number>     aggregates for a (default 1000000)
  --only <text>          contestants whose name contains this
`
const callerCounts = options.callers.split(',').map(Number)
const measuredMs = Number(options.seconds) * 1000
const warmUpMs = 500

/**
 * Durable commands in a closed loop: Keyfold, a bare kafkajs loop that commits the same batches on the same broker, and
 * emmett on PostgreSQL and in memory, each in a process of its own, in turn, in one run. Then the same on an Apache
 * Kafka, partitions that change hands, and memory over ever more aggregates. `npm run bench:commands`.
 */
async function main(): Promise<void> {
  const { parts } = options
  if (options.help) return void process.stdout.write(help)
  if (parts.includes('m')) await compareOnBundled()
  if (parts.includes('k')) await compareOnKafka()
  if (parts.includes('h')) await benchHandOver()
  if (parts.includes('a')) await benchMemory(Number(options.touched))
  // Whatever is still open belongs to what was measured.
  process.exit(0)
}

async function compareOnBundled(): Promise<void> {
  const broker = await startBundled()
  const postgres = findPostgres() === undefined ? undefined : await startPostgres()
  const emmett = await installEmmett()
  const address = postgres && addressOf(postgres.connection)
  process.stdout.write(
    `${machine()}; broker and callers on this machine, ` +
      `durability fsync; medians of ${options.rounds} rounds of ${options.seconds} s\n`,
  )
  if (emmett === undefined) process.stdout.write('emmett is left out: it is not here, and npm cannot fetch it\n')
  if (postgres === undefined) process.stdout.write('emmett on PostgreSQL is left out: there is no PostgreSQL here\n')
  try {
    for (const partitions of options.partitions.split(',').map(Number)) {
      for (const eventBytes of options.bytes.split(',').map(Number)) {
        const place = { broker: broker.address, partitions, eventBytes, emmett, postgres: address }
        await compare(place, callerCounts)
      }
    }
  } finally {
    await postgres?.destroy()
    await broker.end()
    await broker.remove()
  }
}

/** One partition, 100 bytes: what a cluster of one node makes of it. */
async function compareOnKafka(): Promise<void> {
  const missing = whyNoKafka()
  if (missing !== undefined) return void process.stdout.write(`Apache Kafka is left out: ${missing}\n`)
  const kafka = await startApacheKafka({ heapMib: 1024 })
  process.stdout.write(`On an Apache Kafka ${KAFKA_VERSION} of one node, which does not sync:\n\n`)
  const nothing = { emmett: undefined, postgres: undefined }
  try {
    await compare({ broker: kafka.address, partitions: 1, eventBytes: 100, ...nothing }, [1, 64, 256])
  } finally {
    await kafka.stop()
  }
}

async function compare(place: Place, callerCounts: readonly number[]): Promise<void> {
  // Partitions are nothing to it: it is measured once.
  const emmett = place.partitions === 1 ? place.emmett : undefined
  const { postgres } = place
  const all: readonly (ContestantName | false)[] = [
    'keyfold',
    'bare kafkajs loop',
    emmett !== undefined && postgres !== undefined && 'emmett, PostgreSQL',
    emmett !== undefined && 'emmett, in memory',
  ]
  const names = all.filter((name) => name !== false).filter((name) => name.includes(options.only))
  const aggregates = Number(options.aggregates)
  const loads: Load[] = callerCounts.map((callers) => ({ callers, aggregates, warmUpMs, measuredMs }))
  const hot = { callers: 64, aggregates: 1, warmUpMs, measuredMs }
  const rounds = new Map<ContestantName, (readonly Figures[])[]>(names.map((name) => [name, []]))
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const name of names) {
      const own = name === 'keyfold' ? [...loads, hot] : loads
      rounds.get(name)?.push(await measure(name, place, own))
    }
  }
  const title = `${place.partitions} partition${place.partitions === 1 ? '' : 's'}, events of ${place.eventBytes} bytes`
  const rows = names.flatMap((name) => rowsOf(name, callerCounts, rounds))
  printTable(
    title,
    ['', 'callers', 'commands/s', 'p50', 'p95', 'p99', 'processor per command', 'round trips', 'keyfold is'],
    rows,
  )
}

function rowsOf(
  name: ContestantName,
  callerCounts: readonly number[],
  all: ReadonlyMap<ContestantName, readonly (readonly Figures[])[]>,
): string[][] {
  const [rounds, keyfold] = [all.get(name) ?? [], all.get('keyfold') ?? []]
  return (rounds[0] ?? []).map((_, index) => {
    const of = (figure: keyof Figures, sample = rounds) =>
      median(sample.map((each) => each[index]?.[figure] ?? Number.NaN))
    const trips = Number.isNaN(of('roundTrips')) ? '' : of('roundTrips').toFixed(1)
    const callers = callerCounts[index] === undefined ? '64, one aggregate' : String(callerCounts[index])
    const ratio =
      name === 'keyfold' || keyfold.length === 0 ? '' : `${(of('perSecond', keyfold) / of('perSecond')).toFixed(2)}×`
    const latencies = [millis(of('p50')), millis(of('p95')), millis(of('p99'))]
    return [name, callers, whole(of('perSecond')), ...latencies, `${of('cpuMicros').toFixed(0)} µs`, trips, ratio]
  })
}

function measure(name: ContestantName, place: Place, loads: readonly Load[]): Promise<readonly Figures[]> {
  return runChild<Figures>(join(import.meta.dirname, 'measure.ts'), [name, place, loads], { conditions: 'source' })
}

await main()
