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
    name: 'aborted transactions behind the records that are sent',
    covers: (difference, step) => difference.path.endsWith('.abortedTransactions') && isBehindRecords(step, difference),
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

function withoutOffsets(topics: unknown): readonly Named[] {
  return Array.isArray(topics) ? (topics as readonly Named[]).filter(({ topic }) => topic !== '__consumer_offsets') : []
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
