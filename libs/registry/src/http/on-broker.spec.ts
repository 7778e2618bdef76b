import { connectKafka } from '@keyfold/kafka'
import { SchemaRegistry as Client, SchemaType } from '@kafkajs/confluent-schema-registry'
import { startTestBroker } from '@keyfold/testing'
import { expect, it } from 'vitest'
import { startRegistry } from './start-registry.ts'

const schema = (field: string) =>
  JSON.stringify({
    type: 'record',
    name: 'Deposited',
    namespace: 'bank',
    fields: [{ name: field, type: 'int', default: 0 }],
  })

it('a registry on the bundled broker keeps its ids over a restart, and further ones work with it', async () => {
  const broker = await startTestBroker()
  const kafka = await connectKafka({ brokers: [broker.address], clientId: 'registry-test' })
  const start = () => startRegistry({ kafka, port: 0 })
  const register = async (url: string, field: string) => {
    const client = new Client({ host: url, retry: { retries: 0 } })
    const options = { subject: 's', compatibility: 'BACKWARD_TRANSITIVE' as never }
    return (await client.register({ type: SchemaType.AVRO, schema: schema(field) }, options)).id
  }
  try {
    const first = await start()
    expect(await register(first.url, 'a')).toBe(1)
    expect(await Promise.all(['b', 'b', 'b'].map((field) => register(first.url, field)))).toEqual([2, 2, 2])
    await first.close()

    const second = await start()
    expect(await register(second.url, 'a')).toBe(1)
    const third = await start()
    expect(await register(third.url, 'c')).toBe(3)
    expect(await register(second.url, 'd')).toBe(4)
    await second.close()
    expect(await register(third.url, 'e')).toBe(5)
    await third.close()
  } finally {
    await kafka.close()
    await broker.close()
  }
})
