/** One change that has not reached the disk: what a crash may keep, lose or tear. */
export type PendingChange =
  | { readonly kind: 'write'; readonly inode: Inode; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly inode: Inode; readonly size: number }
  | { readonly kind: 'name'; readonly directory: string; readonly names: readonly NameChange[] }

/** A name that now stands for a file, or for none. */
export interface NameChange {
  readonly path: string
  readonly inode: Inode | undefined
}

/** What became of a pending change: `torn` writes only its first half (a name is never torn: it counts as kept). */
export type Fate = 'keep' | 'drop' | 'torn'

/** The fate of a write sector by sector (any other change counts as kept). */
export type SectorFates = (sector: number) => SectorFate

/** What is on the disk where a sector was being written: the new bytes, the old ones, or neither. */
export type SectorFate = 'new' | 'old' | 'zero' | 'garbage'

/** Disks write whole sectors; this is the smallest that there are. */
const sectorBytes = 512

/** Bytes that grow at the end without being copied every time. */
class GrowingBytes {
  #buffer = Buffer.alloc(0)
  #size = 0

  get size(): number {
    return this.#size
  }

  view(): Buffer {
    return this.#buffer.subarray(0, this.#size)
  }

  set(bytes: Buffer): void {
    this.#buffer = Buffer.from(bytes)
    this.#size = bytes.length
  }

  write(position: number, bytes: Buffer): void {
    if (position + bytes.length > this.#size) this.resize(position + bytes.length)
    bytes.copy(this.#buffer, position)
  }

  resize(size: number): void {
    if (size > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(size, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, this.#size)
      this.#buffer = larger
    } else if (size < this.#size) {
      this.#buffer.fill(0, size, this.#size)
    }
    this.#size = size
  }
}

/** A file's bytes: as programs see them, and as they are on the disk. */
export class Inode {
  readonly current = new GrowingBytes()
  readonly durable = new GrowingBytes()
}

/** Lets a pending change meet its fate on the disk. */
export function settle(change: PendingChange, fate: Fate | SectorFates, names: Map<string, Inode>): void {
  if (fate === 'drop') return
  if (change.kind === 'name') {
    applyNames(names, change.names)
  } else if (change.kind === 'truncate') {
    change.inode.durable.resize(change.size)
  } else if (typeof fate === 'function') {
    settleSectors(change, fate)
  } else {
    const kept = fate === 'torn' ? change.bytes.subarray(0, Math.floor(change.bytes.length / 2)) : change.bytes
    change.inode.durable.write(change.position, kept)
  }
}

function settleSectors({ inode, position, bytes }: PendingChange & { kind: 'write' }, fate: SectorFates): void {
  let sector = 0
  for (let at = 0; at < bytes.length; sector++) {
    // Sectors lie at multiples of their size in the file, wherever the write begins.
    const length = Math.min(sectorBytes - ((position + at) % sectorBytes), bytes.length - at)
    const written = bytes.subarray(at, at + length)
    const held = inode.durable.view().subarray(position + at, position + at + length)
    // Written again with what it holds already, a sector has nothing else to become.
    const outcome = held.equals(written) ? 'old' : fate(sector)
    if (outcome === 'new') inode.durable.write(position + at, written)
    else if (outcome !== 'old') inode.durable.write(position + at, Buffer.alloc(length, outcome === 'zero' ? 0 : 0xa5))
    at += length
  }
}

export function applyNames(target: Map<string, Inode>, names: readonly NameChange[]): void {
  for (const { path, inode } of names) {
    if (inode === undefined) target.delete(path)
    else target.set(path, inode)
  }
}
