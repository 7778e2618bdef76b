import { startBroker } from '@keyfold/broker'
import { kafkaClientContract } from './testing/index.ts'

kafkaClientContract({
  name: 'the bundled broker',
  start: async () => {
    const broker = await startBroker({ memory: true })
    return { brokers: [broker.address], stop: () => broker.close() }
  },
})

const cluster = process.env['KAFKA_BROKERS']
if (cluster !== undefined)
  kafkaClientContract({ name: `the cluster at ${cluster}`, start: async () => ({ brokers: cluster.split(',') }) })
