import { EndTxn, Produce } from '@keyfold/protocol'
import type { FetchedPartition } from './fetch-response.ts'
import { requests, type WireDefinition } from 'kafkajs/src/protocol/requests/index.js'

declare const types: unique symbol

/** One Kafka API as this client uses it: kafkajs's encoders and decoders, with the types that it leaves open. */
export interface WireApi<Request, Response> {
  readonly key: number
  readonly name: string
  /** The versions whose fields this client relies on; the newest that both sides have is used. */
  readonly versions: readonly [number, number]
  readonly definition: WireDefinition
  readonly [types]?: readonly [Request, Response]
}

/** int64 fields arrive from kafkajs as decimal text. */
type Int64Text = string

export interface PartitionError {
  readonly partition: number
  readonly errorCode: number
}

export interface MetadataResponse {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly clusterId: string | null
  readonly controllerId: number
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number
    readonly topic: string
    readonly partitionMetadata: readonly {
      readonly partitionErrorCode: number
      readonly partitionId: number
      readonly leader: number
      readonly replicas: readonly number[]
    }[]
  }[]
}

export interface ApiVersionsResponse {
  readonly errorCode: number
  readonly apiVersions: readonly { readonly apiKey: number; readonly minVersion: number; readonly maxVersion: number }[]
}

interface TopicPartitions<Partition> {
  readonly topic: string
  readonly partitions: readonly Partition[]
}

interface ProducerIdentity {
  readonly transactionalId: string
  readonly producerId: string
  readonly producerEpoch: number
}

export const apis = {
  /** Its answer is decoded by `decodeFetchResponse`. */
  fetch: api<FetchRequest, FetchedPartition>(1, 'Fetch', [11, 11]),
  listOffsets: api<
    {
      readonly isolationLevel: 0 | 1
      readonly topics: readonly TopicPartitions<{ readonly partition: number; readonly timestamp: number }>[]
    },
    { readonly responses: readonly TopicPartitions<PartitionError & { readonly offset: Int64Text }>[] }
  >(2, 'ListOffsets', [2, 3]),
  metadata: api<{ readonly topics: readonly string[]; readonly allowAutoTopicCreation: boolean }, MetadataResponse>(
    3,
    'Metadata',
    [4, 6],
  ),
  findCoordinator: api<
    { readonly groupId: string; readonly coordinatorType: 0 | 1 },
    { readonly errorCode: number; readonly coordinator: { readonly nodeId: number } }
  >(10, 'GroupCoordinator', [1, 2]),
  apiVersions: api<Record<string, never>, ApiVersionsResponse>(18, 'ApiVersions', [0, 2]),
  createTopics: api<
    {
      readonly topics: readonly {
        readonly topic: string
        readonly numPartitions: number
        readonly replicationFactor: number
        readonly configEntries: readonly { readonly name: string; readonly value: string }[]
      }[]
      readonly validateOnly: boolean
      readonly timeout: number
    },
    {
      readonly topicErrors: readonly {
        readonly topic: string
        readonly errorCode: number
        readonly errorMessage?: string | null
      }[]
    }
  >(19, 'CreateTopics', [2, 3]),
  initProducerId: api<
    { readonly transactionalId: string; readonly transactionTimeout: number },
    { readonly errorCode: number; readonly producerId: Int64Text; readonly producerEpoch: number }
  >(22, 'InitProducerId', [0, 1]),
  addPartitionsToTxn: api<
    ProducerIdentity & { readonly topics: readonly TopicPartitions<number>[] },
    { readonly errors: readonly { readonly topic: string; readonly partitionErrors: readonly PartitionError[] }[] }
  >(24, 'AddPartitionsToTxn', [0, 1]),
  describeConfigs: api<
    {
      readonly resources: readonly {
        readonly type: number
        readonly name: string
        readonly configNames: readonly string[]
      }[]
      readonly includeSynonyms: boolean
    },
    {
      readonly resources: readonly {
        readonly errorCode: number
        readonly resourceName: string
        readonly configEntries: readonly { readonly configName: string; readonly configValue: string | null }[]
      }[]
    }
  >(32, 'DescribeConfigs', [1, 2]),
}

/** What a node must have for this client: of each API one of these versions. Two are asked by their tables. */
export const neededApis: readonly Pick<WireApi<unknown, unknown>, 'key' | 'name' | 'versions'>[] = [
  { key: Produce.key, name: Produce.name, versions: [3, 12] },
  { key: EndTxn.key, name: EndTxn.name, versions: [0, 5] },
  ...Object.values(apis),
]

export interface FetchRequest {
  readonly maxWaitTime: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly isolationLevel: 0 | 1
  readonly topics: readonly TopicPartitions<{
    readonly partition: number
    readonly fetchOffset: number
    readonly maxBytes: number
  }>[]
}

function api<Request, Response>(
  key: number,
  name: string,
  versions: readonly [number, number],
): WireApi<Request, Response> {
  const definition = requests[name]
  if (definition === undefined) throw new TypeError(`kafkajs has no ${name}`)
  return { key, name, versions, definition }
}
