import { startBroker } from '@keyfold/broker'
import { connectKafka, connectKafkaAdmin, type KafkaAdmin } from '@keyfold/kafka'
import { startRegistry } from '@keyfold/registry'
import { type CliRun, runInTest, type TestWorldOptions } from './test-world.ts'

/** A broker and a registry in memory, and the command line pointed at them. */
export interface TestCluster {
  readonly brokers: string
  readonly registryUrl: string
  readonly admin: KafkaAdmin
  /** Runs a command line on this cluster. */
  run(args: string, options?: TestWorldOptions): Promise<CliRun>
  runArgs(args: readonly string[], options?: TestWorldOptions): Promise<CliRun>
  /** Registers a schema and says its id. */
  register(subject: string, schema: object): Promise<number>
  stop(): Promise<void>
}

export async function startTestCluster(): Promise<TestCluster> {
  const broker = await startBroker({ memory: true, config: { 'group.initial.rebalance.delay.ms': 0 } })
  const kafka = await connectKafka({ brokers: [broker.address], clientId: 'test-registry' })
  const registry = await startRegistry({ kafka, port: 0 })
  const admin = await connectKafkaAdmin({ brokers: [broker.address], clientId: 'test' })
  const env = { KAFKA_BROKERS: broker.address, SCHEMA_REGISTRY_URL: registry.url }
  const runArgs = (args: readonly string[], options: TestWorldOptions = {}): Promise<CliRun> =>
    runInTest(args, { ...options, env: { ...env, ...options.env } })
  return {
    brokers: broker.address,
    registryUrl: registry.url,
    admin,
    runArgs,
    run: (args, options) => runArgs(args.split(' '), options),
    async register(subject, schema) {
      const response = await fetch(`${registry.url}/subjects/${subject}/versions`, {
        method: 'POST',
        headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
        body: JSON.stringify({ schema: JSON.stringify(schema) }),
      })
      const { id } = (await response.json()) as { readonly id: number }
      return id
    },
    async stop() {
      await admin.close()
      await registry.close()
      await kafka.close()
      await broker.close()
    },
  }
}
