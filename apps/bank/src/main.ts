import { parseArgs } from 'node:util'
import { KeyfoldRuntime } from '@keyfold/nest'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { createBank } from './bank-application.ts'
import { describeFailure, StartFailure } from './start-failure.ts'
import { playTour } from './tour/tour.ts'
import { TourOutput } from './tour/tour-output.ts'

const USAGE = `The Keyfold bank: broker, registry and application in one.

  npm start                     start, play the tour on an empty data directory, stay up
  npm start -- --once           the same, and end after the tour
  npm start -- --port 3100      the bank's own port (default: 3000 when it is free, else any)
  npm start -- --data DIR       where data is kept (default: .keyfold)
  npm start -- --no-tour        start without the tour

  KAFKA_BROKERS=host:port,…     an Apache Kafka instead of the bundled broker
  SCHEMA_REGISTRY_URL=http://…  a schema registry instead of the bundled one
  KEYFOLD_BROKER_PORT, KEYFOLD_REGISTRY_PORT, BANK_HOST
  KEYFOLD_APP_TOKEN             what callers of /keyfold/projections have to show (default: be on this machine)
  KEYFOLD_BROKER_METRICS_PORT   metrics and health of the bundled broker over HTTP (default: not at all)
`

async function main(): Promise<void> {
  const flags = readFlags()
  if (flags.help) return void process.stdout.write(USAGE)
  if (flags.data !== undefined) process.env['KEYFOLD_DATA'] = flags.data

  const app = await createBank()
  stopOnSignals(app)
  const runtime = app.get(KeyfoldRuntime)
  void runtime.failure.then((error) => exitWith(error))
  const bankUrl = await listen(app, flags.port)
  const isEmpty = await hasNoEvents(runtime)
  printAddresses(runtime, bankUrl)

  if (isEmpty && !flags['no-tour']) {
    process.stdout.write('\nThe tour\n')
    await playTour({ bankUrl, registryUrl: runtime.addresses.registryUrl, output: new TourOutput(process.stdout) })
  } else await printWhatIsThere(bankUrl)
  if (flags.once) {
    await app.close()
    return
  }
  process.stdout.write(nextSteps(bankUrl, runtime.addresses.registryUrl))
}

function readFlags() {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: 'boolean', default: false },
        port: { type: 'string' },
        data: { type: 'string' },
        'no-tour': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    return values
  } catch (error) {
    throw new StartFailure('USAGE', (error as Error).message, 'npm start -- --help lists the options', 2)
  }
}

/** A port that was asked for is taken or refused; otherwise 3000 when it is free, else any. */
async function listen(app: NestFastifyApplication, asked: string | undefined): Promise<string> {
  const host = process.env['BANK_HOST'] ?? '127.0.0.1'
  const wanted = asked === undefined ? undefined : Number(asked)
  if (wanted !== undefined && !(Number.isInteger(wanted) && wanted >= 0 && wanted <= 65535))
    throw new StartFailure('USAGE', `--port ${asked} is not a port`, 'give a whole number from 0 to 65535', 2)
  try {
    await app.listen(wanted ?? 3000, host)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'EADDRINUSE' && wanted === undefined) await app.listen(0, host)
    else if (code === 'EADDRINUSE')
      throw new StartFailure(
        'PORT_IN_USE',
        `port ${wanted} on ${host} is taken`,
        'stop what uses it, or give another --port',
        1,
      )
    else throw error
  }
  return await app.getUrl()
}

async function hasNoEvents({ kafka }: KeyfoldRuntime): Promise<boolean> {
  const ends = await kafka.endOffsets('bank.account', 'committed')
  const starts = await kafka.startOffsets('bank.account')
  return ends.every((end, partition) => end === starts[partition])
}

function printAddresses(runtime: KeyfoldRuntime, bankUrl: string): void {
  const { brokers, registryUrl, bundledBroker, metricsUrl } = runtime.addresses
  const data = process.env['KEYFOLD_DATA'] ?? '.keyfold'
  process.stdout.write(
    `Keyfold bank is up\n  bank      ${bankUrl}\n  registry  ${registryUrl}\n` +
      `  broker    ${brokers.join(', ')}${bundledBroker ? ` (bundled, data in ${data})` : ' (Apache Kafka)'}\n` +
      (metricsUrl === undefined ? '' : `  metrics   ${metricsUrl}\n`),
  )
}

async function printWhatIsThere(bankUrl: string): Promise<void> {
  const accounts = (await (await fetch(`${bankUrl}/accounts`)).json()) as { owner: string; balance: string }[]
  process.stdout.write(`\n${accounts.length} accounts are here\n`)
  for (const { owner, balance } of accounts.slice(0, 10)) process.stdout.write(`  ${owner}: $${balance}\n`)
}

function nextSteps(bankUrl: string, registryUrl: string): string {
  const json = `-H 'content-type: application/json'`
  return `
Go on yourself
  curl -s ${bankUrl}/accounts
  curl -s ${json} -d '{"owner":"Carol","accountId":"carol"}' ${bankUrl}/accounts
  curl -s ${json} -H 'idempotency-key: my-first' -d '{"amount":25,"memo":"lunch"}' ${bankUrl}/accounts/carol/deposits
  curl -s ${json} -d '{"from":"bob","to":"carol","amount":"12.50"}' ${bankUrl}/payments
  curl -s ${bankUrl}/accounts/carol/events
  curl -s -X POST ${bankUrl}/keyfold/projections/balances/rebuild
  curl -s ${registryUrl}/subjects
Ctrl-C stops it; the next start finds everything again.
`
}

function stopOnSignals(app: NestFastifyApplication): void {
  let stopping = false
  const stop = () => {
    // The second signal does not wait any more.
    if (stopping) process.exit(130)
    stopping = true
    app.close().then(
      () => process.exit(0),
      (error: unknown) => exitWith(error),
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}

function exitWith(error: unknown): never {
  const { line, exitCode } = describeFailure(error)
  process.stderr.write(`${line}\n`)
  process.exit(exitCode)
}

main().catch(exitWith)
