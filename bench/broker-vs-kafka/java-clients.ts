import { runTool } from '../../test/kafka/tools.ts'
import { type Amounts, freshTopic, type Measure, type Target } from './measure.ts'

/** (a) and (b): Apache Kafka's own performance tools, one partition. */
export const javaClients: readonly Measure[] = [
  ...[
    { bytes: 100, batchKib: 16 },
    { bytes: 100, batchKib: 64 },
    { bytes: 1000, batchKib: 16 },
    { bytes: 1000, batchKib: 64 },
  ].map(({ bytes, batchKib }): Measure => ({
    part: 'a',
    name: `Java producer, ${bytes} B, batches of ${batchKib} KB, acks=all`,
    unit: 'records/s',
    isBetter: 'higher',
    run: async (target, amounts) => (await produce(target, { bytes, batchKib, amounts })).perSecond,
  })),
  ...[100, 1000].map((bytes): Measure => ({
    part: 'b',
    name: `Java consumer, ${bytes} B`,
    unit: 'records/s',
    isBetter: 'higher',
    run: async (target, amounts) => {
      const { topic, records } = await produce(target, { bytes, batchKib: 64, amounts })
      return consume(target, topic, records)
    },
  })),
]

interface ProduceLoad {
  readonly bytes: number
  readonly batchKib: number
  readonly amounts: Amounts
}

async function produce(target: Target, { bytes, batchKib, amounts }: ProduceLoad) {
  const topic = await createTopic(target)
  const records = bytes < 1000 ? amounts.records : amounts.records / 10
  const load = ['--topic', topic, '--num-records', `${records}`, '--record-size', `${bytes}`, '--throughput', '-1']
  const settings = ['--command-property', 'acks=all', '--command-property', `batch.size=${batchKib * 1024}`]
  const output = await measured('producer-perf', target, [...load, ...settings])
  const [, perSecond = ''] = /.*records sent, ([\d.]+) records\/sec/s.exec(output) ?? []
  return { topic, records, perSecond: Number(perSecond) }
}

async function consume(target: Target, topic: string, records: number): Promise<number> {
  const output = await measured('consumer-perf', target, ['--topic', topic, '--num-records', `${records}`])
  const [header = '', row = ''] = output.trim().split('\n').slice(-2)
  const column = header.split(', ').findIndex((name) => name.trim() === 'nMsg.sec')
  return Number(row.split(', ')[column])
}

async function createTopic(target: Target): Promise<string> {
  const topic = freshTopic()
  const config = Object.entries(target.topicConfig).flatMap(([key, value]) => ['--config', `${key}=${value}`])
  const place = ['--bootstrap-server', target.address]
  const { exitCode, stdout } = await runTool('topics', [...place, '--create', '--topic', topic, ...config])
  if (exitCode !== 0) throw new Error(stdout)
  return topic
}

async function measured(tool: 'producer-perf' | 'consumer-perf', target: Target, args: readonly string[]) {
  const place = ['--bootstrap-server', target.address]
  const { exitCode, stdout, stderr } = await runTool(tool, [...place, ...args], {
    isMeasured: true,
    timeoutMs: 300_000,
  })
  if (exitCode !== 0) throw new Error(`${tool} ended with ${exitCode}:\n${stdout}\n${stderr}`)
  return stdout
}
