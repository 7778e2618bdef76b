import type { GroupOffset, KafkaAdmin, Offset } from '@keyfold/kafka'
import { readFile } from 'node:fs/promises'
import { CliError } from '../cli-error.ts'
import { parseJson } from '../json-text.ts'

/** Where `--to` sends a group. */
export type ResetTarget =
  | { readonly kind: 'earliest' | 'latest' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'time'; readonly timestampMs: number }
  | { readonly kind: 'group'; readonly groupId: string }
  | { readonly kind: 'file'; readonly path: string }

export interface PlannedOffset {
  readonly topic: string
  readonly partition: number
  /** Null: the group has not said where it stands. */
  readonly from: Offset | null
  readonly to: Offset
}

/** What is on disk: a plan as `--plan` writes it, or any list of topic, partition and offset. */
interface PlanFile {
  readonly partitions: readonly { readonly topic: string; readonly partition: number; readonly to: number }[]
}

/** The offsets that a reset would set, in the order of topics and partitions, each within what is stored. */
export async function planReset(
  admin: KafkaAdmin,
  groupId: string,
  { target, topics }: { readonly target: ResetTarget; readonly topics: readonly string[] | undefined },
): Promise<readonly PlannedOffset[]> {
  const current = await admin.groupOffsets(groupId)
  const given = await givenOffsets(admin, target)
  const names = topics ?? [...new Set((given ?? current).map(({ topic }) => topic))]
  if (names.length === 0)
    throw new CliError('USAGE', `group ${groupId} has no offsets`, 'Name the topics to begin with: --topics a,b')
  const plan: PlannedOffset[] = []
  for (const topic of names.toSorted()) {
    const [starts, ends] = await Promise.all([admin.offsets(topic, 'earliest'), admin.offsets(topic, 'latest')])
    const at = await offsetsOf(admin, topic, { target, starts, ends })
    for (const [partition, end] of ends.entries()) {
      const wanted = given === undefined ? at[partition] : offsetIn(given, topic, partition)
      if (wanted === undefined) continue
      const from = offsetIn(current, topic, partition) ?? null
      plan.push({ topic, partition, from, to: Math.min(Math.max(wanted, starts[partition] ?? 0), end) })
    }
  }
  return plan
}

/** For the targets that name offsets themselves. */
async function givenOffsets(admin: KafkaAdmin, target: ResetTarget): Promise<readonly GroupOffset[] | undefined> {
  if (target.kind === 'group') {
    const offsets = await admin.groupOffsets(target.groupId)
    if (offsets.length === 0) throw new CliError('USAGE', `group ${target.groupId} has no offsets to take over`)
    return offsets
  }
  return target.kind === 'file' ? readPlan(target.path) : undefined
}

async function offsetsOf(
  admin: KafkaAdmin,
  topic: string,
  {
    target,
    starts,
    ends,
  }: { readonly target: ResetTarget; readonly starts: readonly Offset[]; readonly ends: readonly Offset[] },
): Promise<readonly Offset[]> {
  if (target.kind === 'earliest') return starts
  if (target.kind === 'time') return admin.offsets(topic, { timestampMs: target.timestampMs })
  return target.kind === 'offset' ? ends.map(() => target.offset) : ends
}

function offsetIn(offsets: readonly GroupOffset[], topic: string, partition: number): Offset | undefined {
  return offsets.find((each) => each.topic === topic && each.partition === partition)?.offset
}

async function readPlan(path: string): Promise<readonly GroupOffset[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new CliError('FILE_UNREADABLE', `${path}: ${(error as Error).message}`)
  }
  const json = planIn(path, text)
  return json.partitions.map(({ topic, partition, to }) => ({ topic, partition, offset: to }))
}

function planIn(path: string, text: string): PlanFile {
  let json: unknown
  try {
    json = parseJson(text)
  } catch (error) {
    throw new CliError('INPUT_INVALID', `${path} is not JSON: ${(error as Error).message}`)
  }
  if (isPlan(json)) return json
  throw new CliError('INPUT_INVALID', `${path} is not a plan: {"partitions":[{"topic":"a","partition":0,"to":0}]}`)
}

function isPlan(json: unknown): json is PlanFile {
  if (typeof json !== 'object' || json === null || !('partitions' in json) || !Array.isArray(json.partitions))
    return false
  return json.partitions.every(
    (each: unknown) =>
      typeof each === 'object' &&
      each !== null &&
      'topic' in each &&
      typeof each.topic === 'string' &&
      'partition' in each &&
      Number.isSafeInteger(each.partition) &&
      'to' in each &&
      Number.isSafeInteger(each.to),
  )
}
