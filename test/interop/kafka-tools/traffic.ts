import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { runTool } from '../../kafka/tools.ts'
import { type Check, contains } from './checks.ts'

/** Tools that write, read, and look at groups and transactions. */
export const traffic: readonly Check[] = [
  {
    name: 'console producer and consumer, with keys and compression',
    run: async ({ tool }) => {
      await tool('topics', ['--create', '--topic', 'spoken'])
      const keys = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:']
      for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
        await tool('console-producer', ['--topic', 'spoken', '--compression-codec', codec, ...keys], {
          input: `key-${codec}:value-${codec}\n`,
        })
      }
      const read = ['--topic', 'spoken', '--from-beginning', '--max-messages', '5', '--timeout-ms', '20000']
      const shown = await tool('console-consumer', [...read, '--formatter-property', 'print.key=true'])
      contains(shown, /key-none\s+value-none/, /key-snappy\s+value-snappy/, /key-zstd\s+value-zstd/)
    },
  },
  {
    name: 'groups: list, describe, lag, reset, delete offsets, delete',
    run: async ({ tool }) => {
      await tool('topics', ['--create', '--topic', 'grouped'])
      await tool('console-producer', ['--topic', 'grouped'], { input: 'a\nb\nc\nd\n' })
      const member = ['--topic', 'grouped', '--group', 'readers', '--from-beginning']
      await tool('console-consumer', [...member, '--max-messages', '3', '--timeout-ms', '20000'])
      contains(await tool('groups', ['--list']), 'readers')
      contains(await tool('groups', ['--describe', '--group', 'readers']), /readers\s+grouped\s+0\s+3\s+4\s+1/)
      contains(await tool('groups', ['--describe', '--group', 'readers', '--state']), 'Empty')
      const reset = ['--group', 'readers', '--topic', 'grouped', '--reset-offsets', '--execute']
      contains(await tool('groups', [...reset, '--to-earliest']), /readers\s+grouped\s+0\s+0/)
      contains(await tool('groups', [...reset, '--shift-by', '2']), /readers\s+grouped\s+0\s+2/)
      await tool('groups', ['--delete-offsets', '--group', 'readers', '--topic', 'grouped'])
      contains(await tool('groups', ['--delete', '--group', 'readers']), 'was successful')
    },
  },
  {
    name: 'console consumer with the new group protocol',
    run: async ({ tool }) => {
      await tool('topics', ['--create', '--topic', 'newly'])
      await tool('console-producer', ['--topic', 'newly'], { input: 'a\nb\n' })
      const member = ['--topic', 'newly', '--group', 'new-readers', '--command-property', 'group.protocol=consumer']
      const read = await tool('console-consumer', [
        ...member,
        '--from-beginning',
        '--max-messages',
        '2',
        '--timeout-ms',
        '20000',
      ])
      contains(read, 'a\nb')
      contains(await tool('groups', ['--list', '--type', 'consumer']), 'new-readers')
    },
  },
  {
    name: 'verifiable producer and consumer',
    run: async ({ tool }) => {
      await tool('topics', ['--create', '--topic', 'verified', '--partitions', '2'])
      const sent = await tool('verifiable-producer', ['--topic', 'verified', '--max-messages', '500', '--acks', '-1'])
      contains(sent, '"acked":500', /"name":"shutdown_complete"/)
      const consume = ['--topic', 'verified', '--group-id', 'verifiers', '--max-messages', '500']
      const read = await tool('verifiable-consumer', [
        ...consume,
        '--reset-policy',
        'earliest',
        '--group-protocol',
        'classic',
      ])
      const counts = [...read.matchAll(/"name":"records_consumed".*?"count":(\d+)/g)].map(([, count]) => Number(count))
      const total = counts.reduce((sum, count) => sum + count, 0)
      if (total < 500) throw new Error(`only ${total} of 500 records were read:\n${read}`)
    },
  },
  {
    name: 'producer-perf, idempotent and transactional, and consumer-perf',
    run: async ({ tool }) => {
      await tool('topics', ['--create', '--topic', 'fast'])
      const produce = ['--topic', 'fast', '--num-records', '20000', '--record-size', '100', '--throughput', '-1']
      contains(await tool('producer-perf', produce), '20000 records sent')
      const transactional = await tool('producer-perf', [...produce, '--transaction-duration-ms', '100'])
      contains(transactional, '20000 records sent')
      const read = await tool('consumer-perf', ['--topic', 'fast', '--num-records', '40000', '--timeout', '20000'])
      contains(read, 'nMsg.sec')
    },
  },
  {
    name: 'transactions: list, describe, describe-producers, find-hanging, abort',
    run: async ({ tool }) => {
      await tool('topics', ['--create', '--topic', 'transacted'])
      const produce = ['--topic', 'transacted', '--num-records', '200', '--record-size', '10', '--throughput', '-1']
      await tool('producer-perf', [...produce, '--transactional-id', 'teller', '--transaction-duration-ms', '50'])
      contains(await tool('transactions', ['list']), /teller\s+\S+\s+\d+\s+CompleteCommit/)
      contains(await tool('transactions', ['describe', '--transactional-id', 'teller']), 'CompleteCommit')
      const partition = ['--topic', 'transacted', '--partition', '0']
      contains(await tool('transactions', ['describe-producers', ...partition]), /None/)
      await tool('transactions', ['find-hanging', '--broker-id', '1'])
      await tool('transactions', ['find-hanging', '--topic', 'transacted'])
    },
  },
  {
    name: 'transactions: abort one whose producer is gone',
    run: async ({ tool, address }) => {
      await tool('topics', ['--create', '--topic', 'hanging'])
      await openTransaction(address, 'hanging')
      const partition = ['--topic', 'hanging', '--partition', '0']
      const [, startOffset = ''] =
        /\s(\d+)\s*$/.exec(await tool('transactions', ['describe-producers', ...partition])) ?? []
      await tool('transactions', ['abort', ...partition, '--start-offset', startOffset])
      contains(await tool('transactions', ['describe-producers', ...partition]), /None\s*$/)
    },
  },
  {
    name: 'dump-log on a segment',
    run: async ({ tool, endBroker }) => {
      await tool('topics', ['--create', '--topic', 'dumped'])
      await tool('console-producer', ['--topic', 'dumped'], { input: 'payload-1\npayload-2\n' })
      const directory = join(await endBroker(), 'topics', 'dumped-0')
      const segments = (await readdir(directory)).filter((name) => name.endsWith('.log'))
      const files = segments.map((name) => join(directory, name)).join(',')
      const { stdout, exitCode } = await runTool('dump-log', ['--files', files, '--print-data-log'])
      if (exitCode !== 0) throw new Error(stdout)
      contains(stdout, 'isvalid: true', 'payload: payload-2', 'count: ')
    },
  },
]

/** A transaction whose producer is gone. */
async function openTransaction(address: string, topic: string): Promise<void> {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    transactionalId: `hanging-in-${topic}`,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [{ value: 'never committed' }] })
  await producer.disconnect()
}
