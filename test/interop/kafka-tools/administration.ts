import { type Check, contains, lacks } from './checks.ts'

/** Tools that look at and change what there is. */
export const administration: readonly Check[] = [
  {
    name: 'topics: create, list, describe, alter, delete',
    run: async ({ tool }) => {
      contains(await tool('topics', ['--create', '--topic', 'orders', '--partitions', '2']), 'Created topic orders')
      contains(await tool('topics', ['--list']), 'orders')
      await tool('topics', ['--alter', '--topic', 'orders', '--partitions', '3'])
      contains(
        await tool('topics', ['--describe', '--topic', 'orders']),
        'PartitionCount: 3',
        /Partition: 2\s+Leader: 1/,
      )
      await tool('topics', ['--delete', '--topic', 'orders'])
      lacks(await tool('topics', ['--list']), 'orders')
    },
  },
  {
    name: 'configs: topics and brokers',
    run: async ({ tool }) => {
      await tool('topics', ['--create', '--topic', 'configured'])
      const topic = ['--entity-type', 'topics', '--entity-name', 'configured']
      await tool('configs', [
        '--alter',
        ...topic,
        '--add-config',
        'retention.ms=3600000,cleanup.policy=[compact,delete]',
      ])
      contains(await tool('configs', ['--describe', ...topic]), 'retention.ms=3600000', 'cleanup.policy=compact,delete')
      await tool('configs', ['--alter', ...topic, '--delete-config', 'retention.ms'])
      lacks(await tool('configs', ['--describe', ...topic]), 'retention.ms=3600000')
      const broker = ['--entity-type', 'brokers', '--entity-name', '1']
      contains(await tool('configs', ['--describe', '--all', ...broker]), 'num.partitions=')
    },
  },
  {
    name: 'offsets: earliest, latest, largest timestamp',
    run: async ({ tool }) => {
      await tool('topics', ['--create', '--topic', 'measured'])
      await tool('console-producer', ['--topic', 'measured'], { input: 'a\nb\nc\n' })
      contains(await tool('offsets', ['--topic', 'measured', '--time', 'latest']), 'measured:0:3')
      contains(await tool('offsets', ['--topic', 'measured', '--time', 'earliest']), 'measured:0:0')
      contains(await tool('offsets', ['--topic', 'measured', '--time', 'max-timestamp']), /measured:0:[012]/)
    },
  },
  {
    name: 'delete-records',
    run: async ({ tool, file }) => {
      await tool('topics', ['--create', '--topic', 'shortened'])
      await tool('console-producer', ['--topic', 'shortened'], { input: 'a\nb\nc\n' })
      const partitions = [{ topic: 'shortened', partition: 0, offset: 2 }]
      const path = await file('delete.json', JSON.stringify({ partitions, version: 1 }))
      contains(await tool('delete-records', ['--offset-json-file', path]), /shortened-0\s+low_watermark: 2/)
      contains(await tool('offsets', ['--topic', 'shortened', '--time', 'earliest']), 'shortened:0:2')
    },
  },
  {
    name: 'log-dirs',
    run: async ({ tool }) => {
      await tool('topics', ['--create', '--topic', 'weighed'])
      contains(
        await tool('log-dirs', ['--describe', '--topic-list', 'weighed']),
        '"partition":"weighed-0"',
        '"error":null',
      )
    },
  },
  {
    name: 'features',
    run: async ({ tool }) => {
      const features = await tool('features', ['describe'])
      contains(features, /group\.version.*FinalizedVersionLevel: 1/, /transaction\.version.*FinalizedVersionLevel: 2/)
    },
  },
  {
    name: 'api-versions',
    run: async ({ tool }) => {
      contains(await tool('api-versions', []), 'Produce(0): 0 to 13', 'ApiVersions(18): 0 to 4 [usable: 4]')
    },
  },
]
