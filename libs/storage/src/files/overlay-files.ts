import type { Files, OpenFile, OpenMode } from './files.ts'

/** A file as it would be: what is on the disk up to `limit`, and what was written over it since, in order. */
interface OverlaidFile {
  readonly basePath: string | undefined
  limit: number
  size: number
  writes: { readonly position: number; readonly bytes: Buffer }[]
}

/**
 * A data directory that can be recovered without being touched: it reads from other files and keeps all changes in
 * memory. Claims the directory below like its owner, so that nobody changes it meanwhile.
 */
export class OverlayFiles implements Files {
  readonly #base: Files
  readonly #files = new Map<string, OverlaidFile>()
  /** Files and directories of the base that are gone here. */
  readonly #removed = new Set<string>()

  constructor(base: Files) {
    this.#base = base
  }

  get location(): string {
    return this.#base.location
  }

  lock(): Promise<() => Promise<void>> {
    return this.#base.lock()
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    let file = await this.#find(path)
    if (file === undefined) {
      if (mode === 'read') throw notFound(path)
      file = { basePath: undefined, limit: 0, size: 0, writes: [] }
      this.#files.set(path, file)
    }
    const base = file.basePath === undefined ? undefined : await this.#base.open(file.basePath, 'read')
    return new OverlaidOpenFile(file, base)
  }

  async sizeOf(path: string): Promise<number | undefined> {
    return (await this.#find(path))?.size
  }

  async list(directory: string): Promise<string[]> {
    const prefix = directory === '' ? '' : `${directory}/`
    const below = this.#isRemoved(directory) ? [] : await this.#base.list(directory)
    const names = new Set(below.filter((name) => !this.#isRemoved(prefix + name)))
    for (const path of this.#files.keys()) {
      if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/')[0] ?? '')
    }
    return [...names].sort()
  }

  async makeDirectory(): Promise<void> {}

  async rename(from: string, to: string): Promise<void> {
    const file = await this.#find(from)
    // A directory has no bytes of its own, whatever size the system says it has.
    const inside = await this.list(from)
    if (inside.length > 0) {
      for (const name of inside) await this.rename(`${from}/${name}`, `${to}/${name}`)
    } else if (file === undefined) throw notFound(from)
    else this.#files.set(to, file)
    this.#forget(from)
  }

  async remove(path: string): Promise<void> {
    this.#forget(path)
  }

  async removeDirectory(directory: string): Promise<void> {
    for (const path of this.#files.keys()) if (path.startsWith(`${directory}/`)) this.#files.delete(path)
    this.#forget(directory)
  }

  async fsyncDirectory(): Promise<void> {}

  #forget(path: string): void {
    this.#files.delete(path)
    this.#removed.add(path)
  }

  async #find(path: string): Promise<OverlaidFile | undefined> {
    const known = this.#files.get(path)
    if (known !== undefined) return known
    const size = this.#isRemoved(path) ? undefined : await this.#base.sizeOf(path)
    return size === undefined ? undefined : this.#keep(path, { basePath: path, limit: size, size, writes: [] })
  }

  #keep(path: string, file: OverlaidFile): OverlaidFile {
    this.#files.set(path, file)
    return file
  }

  /** Whether a path or a directory above it was removed. */
  #isRemoved(path: string): boolean {
    for (let at = path.length; at > 0; at = path.lastIndexOf('/', at - 1)) {
      if (this.#removed.has(path.slice(0, at))) return true
    }
    return false
  }
}

class OverlaidOpenFile implements OpenFile {
  readonly #file: OverlaidFile
  readonly #base: OpenFile | undefined

  constructor(file: OverlaidFile, base: OpenFile | undefined) {
    this.#file = file
    this.#base = base
  }

  async read(target: Buffer, position: number): Promise<number> {
    const { limit, size, writes } = this.#file
    const length = Math.max(0, Math.min(target.length, size - position))
    const wanted = target.subarray(0, length)
    const below = Math.max(0, Math.min(length, limit - position))
    const read = below > 0 ? ((await this.#base?.read(wanted.subarray(0, below), position)) ?? 0) : 0
    wanted.fill(0, read)
    for (const write of writes) {
      const from = Math.max(position, write.position)
      const to = Math.min(position + length, write.position + write.bytes.length)
      if (from < to) write.bytes.copy(wanted, from - position, from - write.position, to - write.position)
    }
    return length
  }

  async write(chunks: readonly Buffer[], position: number): Promise<void> {
    // A copy: the caller may use its buffers again.
    const bytes = Buffer.concat(chunks)
    this.#file.writes.push({ position, bytes })
    this.#file.size = Math.max(this.#file.size, position + bytes.length)
  }

  async fdatasync(): Promise<void> {}

  async truncate(size: number): Promise<void> {
    const file = this.#file
    file.limit = Math.min(file.limit, size)
    file.size = size
    file.writes = file.writes
      .filter((write) => write.position < size)
      .map(({ position, bytes }) => ({ position, bytes: bytes.subarray(0, size - position) }))
  }

  async close(): Promise<void> {
    await this.#base?.close()
  }
}

function notFound(path: string): Error {
  return Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
}
