import type { KafkaClient } from '@keyfold/kafka'
import { RegistryStartError } from '../registry-error.ts'

export interface SchemaTopic {
  readonly name: string
  /** Left out: the cluster's default. */
  readonly replicationFactor?: number
}

/**
 * Makes the topic unless it is there, and checks what is there: one partition, for the order of records, and compaction
 * alone, because with "delete" Kafka would forget schemas after a week, and every event written with them.
 * Throws `REGISTRY_TOPIC_UNSUITABLE`.
 */
export async function ensureSchemaTopic(client: KafkaClient, { name, replicationFactor }: SchemaTopic): Promise<void> {
  const replication = replicationFactor === undefined ? {} : { replicationFactor }
  await client.ensureTopics([{ name, partitions: 1, configs: { 'cleanup.policy': 'compact' }, ...replication }])
  const [found] = await client.describeTopics([name], ['cleanup.policy'])
  const policy = found?.configs['cleanup.policy']
  if (policy !== 'compact') {
    const fix = `Set it with kafka-configs --alter --entity-type topics --entity-name ${name} --add-config cleanup.policy=compact.`
    throw unsuitable(`topic ${name} has cleanup.policy=${policy}, not compact`, fix)
  }
  if (found?.partitions === 1) return
  throw unsuitable(
    `topic ${name} has ${found?.partitions} partitions, not 1`,
    'Give the registry a topic of its own with one partition.',
  )
}

function unsuitable(message: string, fix: string): RegistryStartError {
  return new RegistryStartError('REGISTRY_TOPIC_UNSUITABLE', message, fix)
}
