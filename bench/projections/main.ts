import { parseArgs } from 'node:util'
import { MemorySchemaLog, startRegistry } from '@keyfold/registry'
import { findPostgres, startPostgres } from '../../libs/projections/src/testdata/postgres-server.ts'
import { startBundled } from '../broker-vs-kafka/processes.ts'
import { installEmmett } from '../commands/emmett.ts'
import { machine, whole } from '../figures.ts'
import { compareApp, compareLive } from './latencies.ts'
import { fill, type LogAddress } from './log.ts'
import { compareRebuilds } from './rebuilds.ts'

const { values: options } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    partitions: { type: 'string', default: '1,8' },
    only: { type: 'string', default: '' },
    'slow-share': { type: 'string', default: '0.01' },
    parts: { type: 'string', default: 'rebuild,live,app' },
    seconds: { type: 'string', default: '10' },
    profile: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const help = `The read side beside what one would write by hand, and beside emmett.

  --parts <names>        rebuild: all contestants; live: lag at 5,000 events/s; app: command to visible read in the bank
                         (default rebuild,live,app)
  --events <number>      in the log (default 1000000)
  --partitions <numbers> (default 1,8)
  --rounds <number>      of which the median is taken (default 3)
  --seconds <number>     of live and app (default 10)
  --only <text>          contestants of the rebuild whose name contains this
  --slow-share <number>  the part of the log for those that write a statement per event into PostgreSQL (default 0.01)
  --profile              what the time of a rebuild is spent on; rates are lower with it
`

/** The bank's number, whatever is measured beside it. */
const BANK_PARTITIONS = 4

/**
 * The read side beside what one would write by hand, each in a process of its own, in turn, on a bundled broker in
 * another one. `npm run bench:projections -- --events 1000000 --parts rebuild`; Markdown on the standard output.
 */
async function main(): Promise<void> {
  if (options.help) return void process.stdout.write(help)
  const parts = new Set(options.parts.split(','))
  const [events, seconds] = [Number(options.events), Number(options.seconds)]
  const broker = await startBundled()
  const registry = await startRegistry({ log: new MemorySchemaLog(), port: 0 })
  const postgres = findPostgres() === undefined || !parts.has('rebuild') ? undefined : await startPostgres()
  const emmett = postgres === undefined ? undefined : await installEmmett()
  const on = (topic: string, partitions: number): LogAddress => {
    return { broker: broker.address, registry: registry.url, topic, partitions, events }
  }
  process.stdout.write(
    `${machine()}; broker, reader and database on the ` +
      `same machine; ${whole(events)} events, medians of ${options.rounds}\n\n`,
  )
  if (parts.has('rebuild') && postgres === undefined) process.stdout.write('PostgreSQL is not here: left out\n\n')
  if (parts.has('rebuild') && emmett === undefined) process.stdout.write('Emmett is not here: left out\n\n')
  try {
    for (const partitions of options.partitions.split(',').map(Number)) {
      const address = on(`bench.account-${partitions}`, partitions)
      if (parts.has('live')) await compareLive({ ...address, topic: `bench.live-${partitions}` }, seconds)
      if (!parts.has('rebuild')) continue
      await fill(address)
      const { rounds, only, profile, 'slow-share': slowShare } = options
      const how = { rounds: Number(rounds), only, profile, slowShare: Number(slowShare) }
      await compareRebuilds({ address, postgres, emmett }, how)
    }
    if (parts.has('app')) {
      const address = on('bank.account', BANK_PARTITIONS)
      await fill(address)
      await compareApp(address, seconds)
    }
  } finally {
    await postgres?.destroy()
    await registry.close()
    await broker.end()
    await broker.remove()
  }
}

await main()
