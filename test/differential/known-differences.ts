import { type Difference, differences } from './compare.ts'
import type { Step } from './lockstep.ts'

/** A difference that is meant. Its name stands in its row of docs/broker-differences.md. */
export interface KnownDifference {
  readonly name: string
  readonly covers: (difference: Difference, step: Step) => boolean
}

export const knownDifferences: readonly KnownDifference[] = [
  {
    name: 'APIs and features of a cluster',
    covers: ({ path }, { operation }) =>
      operation.api === 'ApiVersions' && /^answer\.(apiKeys|supportedFeatures|finalizedFeatures)/.test(path),
  },
  {
    name: 'settings that nothing reads',
    covers: ({ path, kafka, ours }) => path.endsWith('.configs') && isSubset(ours, kafka),
  },
  {
    name: 'min.insync.replicas of the cluster',
    covers: ({ path }, step) =>
      /\.(configSource|synonyms)$/.test(path) && configAt(step, path) === 'min.insync.replicas',
  },
  {
    name: '`lastTimestamp` of a producer is that of its last batch',
    covers: ({ path }) => path.endsWith('.lastTimestamp'),
  },
  {
    name: 'Offsets of a transaction show as partitions of `__consumer_offsets`',
    covers: ({ path, kafka, ours }, { operation }) =>
      operation.api === 'DescribeTransactions' &&
      path.endsWith('.topics') &&
      differences(withoutOffsets(kafka), ours).length === 0,
  },
  {
    name: 'Partitions of *deleted topics* stay in DescribeTransactions',
    covers: ({ path, kafka, ours }, { operation, deletedTopics }) =>
      operation.api === 'DescribeTransactions' &&
      path.endsWith('.topics') &&
      differences(withoutOffsets(kafka), ours).length > 0 &&
      differences(without(withoutOffsets(kafka), deletedTopics), ours).length === 0,
  },
  {
    name: 'aborted transactions behind the records that are sent',
    covers: (difference, step) => difference.path.endsWith('.abortedTransactions') && isBehindRecords(step, difference),
  },
  {
    name: 'a moved last stable offset is told like a high watermark',
    covers: ({ path, kafka, ours }, { operation }) =>
      operation.title.startsWith('a fetch session') && path.startsWith('answer.responses') && isStillMore(kafka, ours),
  },
  {
    name: 'a session *remembers the names* of topics',
    covers: ({ path, kafka, ours }, { operation }) =>
      operation.title.startsWith('a fetch session') && path.endsWith('.errorCode') && kafka === 3 && ours === 100,
  },
  {
    name: '*ends of both protocols*',
    covers: (_, { operation, ours }) =>
      operation.api === 'EndTxn' && operation.version >= 5 && isFencedEarlier(ours, operation.request),
  },
  {
    name: '*cut batches* count',
    covers: ({ path, kafka, ours }, { operation }) =>
      operation.api === 'Fetch' &&
      ((path.endsWith('.records') && isBeginning(kafka, ours)) ||
        // No room at all for the next partition is another thing than too little: of that Kafka lists transactions.
        (path.endsWith('.abortedTransactions') && Array.isArray(kafka) && ours === null && wantsSeveral(operation))),
  },
  {
    name: 'A regular expression is resolved in the background',
    covers: ({ path, kafka }, { operation }) =>
      operation.about.some((name) => name.startsWith('pattern-')) &&
      (path.endsWith('Epoch') || (operation.api === 'ConsumerGroupHeartbeat' && isEmptyAssignment(path, kafka))),
  },
  {
    name: 'named errors instead of UNKNOWN_SERVER_ERROR',
    covers: ({ path, kafka, ours }) => /errorCode/i.test(path) && kafka === -1 && typeof ours === 'number' && ours > 0,
  },
]

type Named = Readonly<Record<string, unknown>>

/** Whether every config of ours is Kafka's too, with the same value; min.insync.replicas has its own row. */
function isSubset(ours: unknown, kafka: unknown): boolean {
  if (!Array.isArray(ours) || !Array.isArray(kafka) || ours.length === 0) return false
  const theirs = new Map((kafka as readonly Named[]).map((config) => [config['name'], config]))
  return (ours as readonly Named[]).every((config) => {
    const same = theirs.get(config['name'])
    return same !== undefined && (config['name'] === 'min.insync.replicas' || differences(same, config).length === 0)
  })
}

function isEmptyAssignment(path: string, assigned: unknown): boolean {
  return path === 'answer.assignment.topicPartitions' && Array.isArray(assigned) && assigned.length === 0
}

function withoutOffsets(topics: unknown): readonly Named[] {
  return Array.isArray(topics) ? (topics as readonly Named[]).filter(({ topic }) => topic !== '__consumer_offsets') : []
}

/** Whether a Fetch asks for more than one partition, so that what one gets is no more there for the next. */
function wantsSeveral({ request }: Step['operation']): boolean {
  const { topics } = request as { readonly topics: readonly { readonly partitions: readonly unknown[] }[] }
  return topics.flatMap(({ partitions }) => partitions).length > 1
}

/** Whether ours begins with all that Kafka sent: it has whole batches where Kafka counted a part of one. */
function isBeginning(kafka: unknown, ours: unknown): boolean {
  if (!Array.isArray(kafka) || !Array.isArray(ours) || ours.length <= kafka.length) return false
  return differences(kafka, ours.slice(0, kafka.length)).length === 0
}

/** Whether a producer was fenced that came with the epoch before its own. */
function isFencedEarlier(ours: unknown, request: unknown): boolean {
  const { errorCode } = ((ours as Named)['answer'] ?? {}) as Named
  const { plus } = ((request as Named)['producerEpoch'] ?? {}) as Named
  return errorCode === 90 && plus === -1
}

/** Whether what only we tell are partitions without records or an error. */
function isStillMore(kafka: unknown, ours: unknown): boolean {
  if (!Array.isArray(kafka) || !Array.isArray(ours)) return false
  const theirs = new Set(partitionsIn(kafka).map((each) => JSON.stringify(each)))
  const more = partitionsIn(ours).filter((each) => !theirs.delete(JSON.stringify(each)))
  return (
    theirs.size === 0 &&
    more.every(({ errorCode, records }) => errorCode === 0 && Array.isArray(records) && records.length === 0)
  )
}

/** The partitions of a list of topics, or of partitions. */
function partitionsIn(items: readonly unknown[]): readonly Named[] {
  return (items as readonly Named[]).flatMap((item) => {
    const { partitions, topic, topicId } = item
    if (!Array.isArray(partitions)) return [item]
    return (partitions as readonly Named[]).map((partition) => ({ ...partition, topic, topicId }))
  })
}

function without(topics: readonly Named[], names: ReadonlySet<string>): readonly Named[] {
  return topics.filter(({ topic }) => typeof topic !== 'string' || !names.has(topic))
}

function configAt(step: Step, path: string): unknown {
  return parentOf(step, path)?.['name']
}

/** The struct of Kafka's answer that holds the field at the path. */
function parentOf({ kafka }: Step, path: string): Named | undefined {
  const place = path.split('.').slice(0, -1)
  let value: unknown = kafka
  for (const part of place.flatMap((each) => each.split(/[[\]]+/).filter((name) => name !== ''))) {
    value = (value as Named | undefined)?.[part]
  }
  return value as Named | undefined
}

/** Whether Kafka lists what we list, and otherwise only transactions that begin behind the records it sent. */
function isBehindRecords(step: Step, { path, kafka, ours }: Difference): boolean {
  if (!Array.isArray(kafka) || !Array.isArray(ours)) return false
  const batches = (parentOf(step, path)?.['records'] ?? []) as readonly { readonly lastOffset: number }[]
  const end = batches.at(-1)?.lastOffset ?? -1
  const listed = new Set(ours.map((each) => JSON.stringify(each)))
  const more = (kafka as readonly { readonly firstOffset: number }[]).filter(
    (each) => !listed.delete(JSON.stringify(each)),
  )
  return listed.size === 0 && more.every(({ firstOffset }) => firstOffset > end)
}

/** The differences of a step that nobody means. */
export function unexpected(step: Step): readonly Difference[] {
  return step.differences.filter((each) => !knownDifferences.some((known) => known.covers(each, step)))
}

/** The names of the meant differences that a step shows. */
export function namesOfKnown(step: Step): readonly string[] {
  return knownDifferences
    .filter(({ covers }) => step.differences.some((each) => covers(each, step)))
    .map(({ name }) => name)
}
