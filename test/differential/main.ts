import { createWriteStream } from 'node:fs'
import { parseArgs } from 'node:util'
import { startApacheKafka } from '../kafka/apache-kafka.ts'
import { KAFKA_VERSION, whyNoKafka } from '../kafka/distribution.ts'
import { bundledBroker, restartable } from './contestants.ts'
import { areaNames } from './plans/all.ts'
import { kindsOf, reportOf } from './report.ts'
import { runDifferential } from './run.ts'

const help = `Runs one seeded script against an Apache Kafka and the bundled broker and compares every answer.

  --seed <number>        repeats a run (default: random)
  --operations <number>  how many (default 3000)
  --restarts <number>    how often both end and start again in the middle (default 2: a kill, then a stop)
  --quiet <ms>           how long a request that may have to wait is given before it counts as waiting (default
                         1000): more on a machine that is busy
  --areas <a,b,…>        only some of ${areaNames.join(', ')}
  --trace <file>         writes every operation with both answers there, as JSON lines
  --all                  goes on after the first difference, and lists the kinds of all`

/** Settings that keep the clock out of it, for both. */
const settings = {
  'group.initial.rebalance.delay.ms': '0',
  'auto.create.topics.enable': 'false',
  'group.consumer.session.timeout.ms': '1800000',
  'group.consumer.max.session.timeout.ms': '1800000',
}

/** Those that only Kafka has: how often it looks, and what it would do in the background. */
const kafkaSettings = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '200',
  'group.consumer.min.assignment.interval.ms': '0',
  'group.consumer.assignment.interval.ms': '0',
  'group.consumer.assignor.offload.enable': 'false',
  // A kill may take what is not yet in its checkpoint file: where a log starts after DeleteRecords.
  'log.flush.start.offset.checkpoint.interval.ms': '100',
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      operations: { type: 'string', default: '3000' },
      restarts: { type: 'string', default: '2' },
      quiet: { type: 'string', default: '1000' },
      areas: { type: 'string', default: areaNames.join(',') },
      trace: { type: 'string' },
      all: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return print(help)
  const missing = whyNoKafka()
  if (missing !== undefined)
    return print(`The differential test is skipped: ${missing}.\n0 passed, 0 failed, 1 skipped`)
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
  const operations = Number(values.operations)
  print(`Apache Kafka ${KAFKA_VERSION} and the bundled broker, seed ${seed}, ${operations} operations`)

  const trace = values.trace === undefined ? undefined : createWriteStream(values.trace)
  const kafka = await startApacheKafka({
    properties: { ...settings, ...kafkaSettings },
  })
  const broker = await bundledBroker(settings)
  try {
    const result = await runDifferential({
      seed,
      operations,
      areas: values.areas.split(','),
      stopAtFirst: !values.all,
      onStep: (step) => trace?.write(`${JSON.stringify(step)}\n`),
      restarts: Number(values.restarts),
      quietMs: Number(values.quiet),
      kafka: restartable(kafka),
      ours: broker,
    })
    print(reportOf(result))
    if (values.all) for (const kind of kindsOf(result)) print(kind)
    for (const [name, count] of result.known) print(`meant: ${name}, ${count} times (docs/broker-differences.md)`)
    print(`served by Kafka and not by us: ${result.unserved.join(', ') || 'nothing'}`)
    const failed = result.failures.length
    print(`seed ${seed}: ${result.steps.length - failed} passed, ${failed} failed, 0 skipped`)
    process.exitCode = failed > 0 ? 1 : 0
  } finally {
    trace?.end()
    await broker.end()
    await kafka.stop()
  }
}

function print(text: string): void {
  if (text !== '') process.stdout.write(`${text}\n`)
}

await main()
