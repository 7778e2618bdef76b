import { fail } from '../errors.ts'

/** Where an event lies in the log; what a reader has seen, when it has seen everything up to there. */
export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** More partitions than this are not waited for by one request. */
const POSITIONS_MAX = 64
/** Servers and proxies take headers of 8 KB and more, all of a request together. */
const HEADER_CHARACTERS_MAX = 4096
const POSITION = /^([A-Za-z0-9._-]{1,249})\/(\d{1,9})@(\d{1,15})$/

/**
 * The positions of a `Keyfold-Position` header: `topic/partition@offset`, separated by commas.
 * Errors: `POSITION_INVALID`.
 */
export function parsePositions(header: string | undefined): readonly Position[] {
  const texts = (header ?? '').split(',').map((text) => text.trim())
  const given = texts.filter((text) => text !== '')
  if (given.length > POSITIONS_MAX)
    throw fail('POSITION_INVALID', `${given.length} positions, at most ${POSITIONS_MAX}`)
  return given.map((text) => {
    const [, topic, partition, offset] = POSITION.exec(text) ?? []
    if (topic === undefined) throw fail('POSITION_INVALID', `${text.slice(0, 100)} is no position`)
    return { topic, partition: Number(partition), offset: Number(offset) }
  })
}

/**
 * The header of these positions, which `parsePositions` takes back: of more than that the last ones. A session that has
 * been to so many partitions may read backwards in those that it has not been to for longest.
 */
export function formatPositions(positions: readonly Position[]): string {
  let header = ''
  for (const { topic, partition, offset } of positions.slice(-POSITIONS_MAX).reverse()) {
    const text = `${topic}/${partition}@${offset}`
    const longer = header === '' ? text : `${text}, ${header}`
    if (longer.length > HEADER_CHARACTERS_MAX) break
    header = longer
  }
  return header
}

/** The furthest position of every partition, the last moved last: who has seen both has seen these. */
export function furthest(...lists: readonly (readonly Position[])[]): readonly Position[] {
  const byPartition = new Map<string, Position>()
  for (const position of lists.flat()) {
    const place = `${position.topic}/${position.partition}`
    if (position.offset <= (byPartition.get(place)?.offset ?? -1)) continue
    byPartition.delete(place)
    byPartition.set(place, position)
  }
  return [...byPartition.values()]
}

/** The seconds of `Prefer: wait=2` (RFC 7240), at most `secondsMax`; undefined when it says nothing of waiting. */
export function preferredWaitSeconds(header: string | undefined, secondsMax: number): number | undefined {
  for (const preference of (header ?? '').split(/[,;]/)) {
    const [, seconds] = /^\s*wait\s*=\s*"?(\d{1,6})"?\s*$/i.exec(preference) ?? []
    if (seconds !== undefined) return Math.min(Number(seconds), secondsMax)
  }
  return undefined
}
