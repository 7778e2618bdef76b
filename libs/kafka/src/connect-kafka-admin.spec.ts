import { startBroker } from '@keyfold/broker'
import { kafkaAdminContract } from './testing/index.ts'

kafkaAdminContract({
  name: 'the bundled broker',
  start: async () => {
    const config = { 'group.initial.rebalance.delay.ms': 0 }
    const broker = await startBroker({ memory: true, config })
    return { brokers: [broker.address], stop: () => broker.close() }
  },
})

const cluster = process.env['KAFKA_BROKERS']
if (cluster !== undefined)
  kafkaAdminContract({ name: `the cluster at ${cluster}`, start: async () => ({ brokers: cluster.split(',') }) })
