import { createHash } from 'node:crypto'
import { quoted } from './rows/row-statements.ts'

/** PostgreSQL cuts identifiers after 63 bytes. */
const IDENTIFIER_BYTES = 63
const ROOM_FOR_GENERATION = 12

/**
 * The schema in which a projector's serving tables are seen, as views, under a name that stays. What an identifier
 * could not hold is replaced; a name that had to be changed gets a part of its hash, so that two never meet.
 */
export function viewSchemaOf(projector: string): string {
  const plain = projector.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')
  const room = IDENTIFIER_BYTES - ROOM_FOR_GENERATION
  if (plain === projector && plain.length <= room) return plain
  const mark = createHash('sha256').update(projector).digest('hex').slice(0, 8)
  return `${plain.slice(0, room - mark.length - 1)}_${mark}`
}

/** The schema with the tables of one generation. */
export function generationSchemaOf(projector: string, generation: number): string {
  return `${viewSchemaOf(projector)}_g${generation}`
}

/** `search_path` for statements of one generation: its tables first, then what the whole database shares. */
export function searchPathOf(projector: string, generation: number): string {
  return `${quoted(generationSchemaOf(projector, generation))}, public`
}
