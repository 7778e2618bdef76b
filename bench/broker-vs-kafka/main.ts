import { cpus, loadavg, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { type ApacheKafka, startApacheKafka } from '../../test/kafka/apache-kafka.ts'
import { KAFKA_VERSION, whyNoKafka } from '../../test/kafka/distribution.ts'
import { median, printTable, whole } from '../figures.ts'
import { flatness } from './flatness.ts'
import { javaClients } from './java-clients.ts'
import { kafkajsClients } from './kafkajs-clients.ts'
import { type Amounts, type Measure, type Target, type TargetName, targetNames } from './measure.ts'
import { startBundled } from './processes.ts'
import { startAndMemory } from './start-and-memory.ts'

const help = `The bundled broker beside an Apache Kafka: same client, alternating, medians.

  --parts <abcdefg>    a producer-perf, b consumer-perf, c kafkajs sends, d transactions, e latency, f start and memory,
                       g the bundled broker with little and with much behind it
  --rounds <number>    of which the median is taken (default 5)
  --records <number>   of 100 bytes that the Java clients write (default 500000; a tenth of that of 1 KB)
  --seconds <number>   that kafkajs runs for each figure and round (default 3)
  --memory-mib <number> written before memory is looked at again (default 1024)`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      parts: { type: 'string', default: 'abcdefg' },
      rounds: { type: 'string', default: '5' },
      records: { type: 'string', default: '500000' },
      seconds: { type: 'string', default: '3' },
      'memory-mib': { type: 'string', default: '1024' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return print(help)
  const amounts: Amounts = {
    rounds: Number(values.rounds),
    records: Number(values.records),
    seconds: Number(values.seconds),
    memoryMib: Number(values['memory-mib']),
  }
  const missing = whyNoKafka()
  if (missing !== undefined) print(`Without Apache Kafka beside it, and without its clients: ${missing}.`)
  const measures = [...(missing === undefined ? javaClients : []), ...kafkajsClients]
  conditions(amounts)
  const bundled = await startBundled()
  const kafka = missing === undefined ? await startApacheKafka({ heapMib: 1024 }) : undefined
  try {
    const targets = targetsOf(bundled.address, kafka)
    const rows = await table(
      measures.filter(({ part }) => values.parts.includes(part)),
      targets,
      amounts,
    )
    printTable(`Medians of ${amounts.rounds}`, ['', ...targets.map(({ name }) => name), 'ratios'], rows)
    if (values.parts.includes('f')) {
      const processes = await startAndMemory(kafka?.nodes[0], kafka?.address ?? '', amounts)
      printTable('Processes', ['', 'bundled broker', `Kafka, heap of 1 GiB`], processes)
    }
    if (values.parts.includes('g')) {
      const header = ['', '64 sends at once', 'batches of 100', 'start', 'resident memory after it']
      printTable('The bundled broker as it grows', header, await flatness(amounts))
    }
  } finally {
    await bundled.end()
    await bundled.remove()
    await kafka?.stop()
  }
}

function targetsOf(bundled: string, kafka: ApacheKafka | undefined): readonly Target[] {
  const [ours, unsynced, synced] = targetNames
  const own: Target = { name: ours, address: bundled, topicConfig: {} }
  if (kafka === undefined) return [own]
  return [
    own,
    { name: unsynced, address: kafka.address, topicConfig: {} },
    { name: synced, address: kafka.address, topicConfig: { 'flush.messages': '1' } },
  ]
}

/** Every measure on every target in turn, round by round. */
async function table(measures: readonly Measure[], targets: readonly Target[], amounts: Amounts): Promise<string[][]> {
  const rows: string[][] = []
  for (const measure of measures) {
    const samples = new Map<TargetName, number[]>(targets.map(({ name }) => [name, []]))
    for (let round = 0; round < amounts.rounds; round += 1) {
      for (const target of targets) samples.get(target.name)?.push(await measure.run(target, amounts))
    }
    const [ours = Number.NaN, ...others] = [...samples.values()].map(median)
    const ratios = others.map((other) => `${(measure.isBetter === 'higher' ? ours / other : other / ours).toFixed(2)}×`)
    const figures = [ours, ...others].map(
      (figure) => `${figure < 100 ? figure.toFixed(2) : whole(figure)} ${measure.unit}`,
    )
    rows.push([measure.name, ...figures, ratios.join(', ')])
    process.stderr.write(`${rows.at(-1)?.join(' | ')}\n`)
  }
  return rows
}

function conditions({ rounds, records, seconds }: Amounts): void {
  const processor = cpus()[0]?.model.trim() ?? 'unknown processor'
  print(
    `Node ${process.version}, Apache Kafka ${KAFKA_VERSION}, ${cpus().length} cores (${processor}), ` +
      `${Math.round(totalmem() / 2 ** 30)} GiB, load ${(loadavg()[0] ?? 0).toFixed(1)} at the start`,
  )
  print(
    `${rounds} rounds; ${records} records of 100 bytes and ${records / 10} of 1 KB for Java, ${seconds} s for kafkajs; ` +
      'one partition, acks=all, clients on the same machine; a ratio above 1 means that the bundled broker is better\n',
  )
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

await main()
