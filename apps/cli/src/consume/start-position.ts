import { InvalidArgumentError } from 'commander'
import type { KafkaAdmin } from '@keyfold/kafka'
import { parseInstant } from '../parse-instant.ts'

/** Where reading begins in each partition. */
export type StartPosition =
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'offset' | 'after-start' | 'before-end'; readonly offset: number }
  | { readonly kind: 'time'; readonly timestampMs: number }

/** Reads `start`, `end`, `42`, `+10`, `-10`, `@2026-01-01T00:00`, `@-1h`. */
export function parseStartPosition(text: string): StartPosition {
  if (text === 'start' || text === 'end') return { kind: text }
  if (text.startsWith('@')) return { kind: 'time', timestampMs: parseInstant(text.slice(1)) }
  const match = /^([+-]?)(\d{1,15})$/.exec(text)
  if (!match)
    throw new InvalidArgumentError(
      'Give start, end, an offset, +n, -n, @2026-01-01T00:00, @-1h, or a format of the output',
    )
  const kind = match[1] === '+' ? 'after-start' : match[1] === '-' ? 'before-end' : 'offset'
  return { kind, offset: Number(match[2]) }
}

export interface PartitionBounds {
  readonly partition: number
  readonly from: number
  /** The offset after the last record that is there now. */
  readonly end: number
}

/** Where to begin, and where the partitions of a topic end at the moment; never outside of what is stored. */
export async function boundsOf(
  admin: KafkaAdmin,
  topic: string,
  { position, isolation }: { readonly position: StartPosition; readonly isolation: 'committed' | 'uncommitted' },
): Promise<readonly PartitionBounds[]> {
  const [starts, ends] = await Promise.all([
    admin.offsets(topic, 'earliest'),
    admin.offsets(topic, 'latest', isolation),
  ])
  const timed = position.kind === 'time' ? await admin.offsets(topic, position) : []
  return ends.map((end, partition) => {
    const start = Math.min(starts[partition] ?? 0, end)
    const wanted = wantedOffset(position, { start, end, timed: timed[partition] ?? end })
    return { partition, from: Math.min(Math.max(wanted, start), end), end }
  })
}

function wantedOffset(
  position: StartPosition,
  { start, end, timed }: { readonly start: number; readonly end: number; readonly timed: number },
): number {
  switch (position.kind) {
    case 'start':
      return start
    case 'end':
      return end
    case 'time':
      return timed
    case 'offset':
      return position.offset
    case 'after-start':
      return start + position.offset
    case 'before-end':
      return end - position.offset
  }
}
