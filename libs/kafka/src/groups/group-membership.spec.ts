import { startBroker } from '@keyfold/broker'
import { kafkaGroupsContract } from '../testing/index.ts'

kafkaGroupsContract({
  name: 'the bundled broker',
  start: async () => {
    const broker = await startBroker({ memory: true, config: { 'group.initial.rebalance.delay.ms': 0 } })
    return { brokers: [broker.address], stop: () => broker.close() }
  },
})

const cluster = process.env['KAFKA_BROKERS']
if (cluster !== undefined)
  kafkaGroupsContract({ name: `the cluster at ${cluster}`, start: async () => ({ brokers: cluster.split(',') }) })
