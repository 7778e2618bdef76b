import { startBroker } from '@keyfold/broker'
import { kafkaClientContract } from './testing/index.ts'

for (const transactionVersionMax of [2, 1] as const)
  kafkaClientContract({
    name: `the bundled broker, with transactions of version ${transactionVersionMax}`,
    start: async () => {
      const broker = await startBroker({ memory: true })
      return { brokers: [broker.address], stop: () => broker.close() }
    },
    options: { transactionVersionMax },
  })

const cluster = process.env['KAFKA_BROKERS']
if (cluster !== undefined)
  kafkaClientContract({ name: `the cluster at ${cluster}`, start: async () => ({ brokers: cluster.split(',') }) })
