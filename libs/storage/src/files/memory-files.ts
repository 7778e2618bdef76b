import { StorageError } from '../errors.ts'
import type { Files, OpenFile, OpenMode } from './files.ts'
import {
  applyNames,
  type Fate,
  Inode,
  type NameChange,
  type PendingChange,
  type SectorFates,
  settle,
} from './pending-change.ts'

export interface MemoryFilesOptions {
  /** Keeps a second image of every file, so that `crash` works. Default true; false where memory is all there is. */
  crashable?: boolean
  /** When an operation happens: a simulation decides in which order they do. Default: at once. */
  turn?: () => Promise<void>
}

/**
 * Files in memory, with a disk that can lose power. Bytes and names are pending until they are synced; `crash` decides
 * the fate of each pending change and leaves the disk as the next start will find it. Directories exist when something
 * is in them. Deterministic: every operation finishes in the same number of turns.
 */
export class MemoryFiles implements Files {
  readonly location = 'memory'
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  #pending: PendingChange[] = []
  #locked = false
  #operations = 0
  #crashAfter = Number.POSITIVE_INFINITY
  #failure:
    | { readonly operation: FailingOperation; readonly path: string | undefined; readonly error: Error }
    | undefined
  readonly #crashable: boolean
  #wait: () => Promise<void>

  constructor(options: MemoryFilesOptions = {}) {
    this.#crashable = options.crashable ?? true
    this.#wait = options.turn ?? (() => Promise.resolve())
  }

  /** Changing operations so far (writes, syncs, truncations, names). */
  get operations(): number {
    return this.#operations
  }

  get pending(): readonly PendingChange[] {
    return this.#pending
  }

  /** From now on operations happen when `turn` says so; see `MemoryFilesOptions.turn`. */
  pacedBy(turn: () => Promise<void>): this {
    this.#wait = turn
    return this
  }

  /** Lets `count` more changing operations happen; from then on every call fails, as in a process that is gone. */
  stopAfter(count: number): void {
    this.#crashAfter = this.#operations + count
  }

  /** The next such operation (on a path that contains `path`) fails with this error and does nothing. */
  failNext(operation: FailingOperation, error: Error, path?: string): void {
    this.#failure = { operation, path, error }
  }

  /**
   * Power is cut: every pending change meets its fate, and every call from the process that was running fails from now
   * on. Returns the disk as the next process finds it.
   */
  crash(fate: Fate | ((change: PendingChange, index: number) => Fate | SectorFates) = 'drop'): MemoryFiles {
    const next = this.kill()
    const fateOf = typeof fate === 'string' ? () => fate : fate
    for (const [index, change] of next.#pending.entries()) settle(change, fateOf(change, index), next.#durableNames)
    next.#pending = []
    next.#names = new Map(next.#durableNames)
    for (const inode of next.#names.values()) inode.current.set(inode.durable.view())
    return next
  }

  /** The process is killed, the machine stays up: nothing written is lost. Returns the disk for the next process. */
  kill(): MemoryFiles {
    const next = this.clone()
    this.#crashAfter = 0
    return next
  }

  /** An independent copy of the disk with its pending changes. */
  clone(): MemoryFiles {
    const copy = new MemoryFiles({ crashable: this.#crashable, turn: this.#wait })
    const inodes = new Map<Inode, Inode>()
    const copyOf = (inode: Inode): Inode => {
      const known = inodes.get(inode)
      if (known !== undefined) return known
      const fresh = new Inode()
      fresh.current.set(inode.current.view())
      fresh.durable.set(inode.durable.view())
      inodes.set(inode, fresh)
      return fresh
    }
    for (const [path, inode] of this.#names) copy.#names.set(path, copyOf(inode))
    for (const [path, inode] of this.#durableNames) copy.#durableNames.set(path, copyOf(inode))
    copy.#pending = this.#pending.map((change) =>
      change.kind === 'name'
        ? { ...change, names: change.names.map(({ path, inode }) => ({ path, inode: inode && copyOf(inode) })) }
        : { ...change, inode: copyOf(change.inode) },
    )
    return copy
  }

  /** The bytes of a file, to look at or to damage (also on the disk). */
  bytesOf(path: string): Buffer {
    return this.#inode(path).current.view()
  }

  /** Replaces a file, durably: bit rot, a restored backup. */
  replace(path: string, bytes: Buffer): void {
    const inode = new Inode()
    inode.current.set(bytes)
    inode.durable.set(bytes)
    this.#names.set(path, inode)
    this.#durableNames.set(path, inode)
  }

  paths(): string[] {
    return [...this.#names.keys()].sort()
  }

  async lock(): Promise<() => Promise<void>> {
    await this.#turn()
    if (this.#locked) throw new StorageError('DATA_DIRECTORY_LOCKED', `this process is using ${this.location}`)
    this.#locked = true
    return () => {
      this.#locked = false
      return Promise.resolve()
    }
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    await this.#turn()
    let inode = this.#names.get(path)
    if (inode === undefined) {
      if (mode === 'read') throw notFound(path)
      this.#change('open', path)
      inode = new Inode()
      this.#rename(parent(path), [{ path, inode }])
    }
    return new MemoryFile(this.#access(path), inode)
  }

  async sizeOf(path: string): Promise<number | undefined> {
    await this.#turn()
    return this.#names.get(path)?.current.size
  }

  async list(directory: string): Promise<string[]> {
    await this.#turn()
    const prefix = directory === '' ? '' : `${directory}/`
    const names = new Set<string>()
    for (const path of this.#names.keys()) {
      if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/')[0] ?? '')
    }
    return [...names].sort()
  }

  async makeDirectory(): Promise<void> {
    await this.#turn()
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#turn()
    this.#change('rename', from)
    const moved = [...this.#names].filter(([path]) => path === from || path.startsWith(`${from}/`))
    if (moved.length === 0) throw notFound(from)
    // One change: a rename is whole or has not happened.
    this.#rename(
      parent(from),
      moved.flatMap(([path, inode]) => [
        { path: to + path.slice(from.length), inode },
        { path, inode: undefined },
      ]),
    )
  }

  async remove(path: string): Promise<void> {
    await this.#turn()
    this.#change('remove', path)
    if (this.#names.has(path)) this.#rename(parent(path), [{ path, inode: undefined }])
  }

  async removeDirectory(directory: string): Promise<void> {
    await this.#turn()
    this.#change('remove', directory)
    const inside = this.paths().filter((path) => path.startsWith(`${directory}/`))
    for (const path of inside) this.#rename(parent(path), [{ path, inode: undefined }])
  }

  async fsyncDirectory(directory: string): Promise<void> {
    await this.#turn()
    this.#change('fsyncDirectory', directory)
    this.#sync((change) => change.kind === 'name' && change.directory === directory)
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw notFound(path)
    return inode
  }

  #rename(directory: string, names: readonly NameChange[]): void {
    applyNames(this.#names, names)
    this.#pend({ kind: 'name', directory, names })
  }

  #pend(change: PendingChange): void {
    if (this.#crashable) this.#pending.push(change)
  }

  #sync(isSynced: (change: PendingChange) => boolean): void {
    for (const change of this.#pending) if (isSynced(change)) settle(change, 'keep', this.#durableNames)
    this.#pending = this.#pending.filter((change) => !isSynced(change))
  }

  async #turn(): Promise<void> {
    await this.#wait()
    if (this.#operations >= this.#crashAfter) throw new Error('the process is gone')
  }

  #change(operation: FailingOperation, path: string): void {
    const failure = this.#failure
    if (failure?.operation === operation && (failure.path === undefined || path.includes(failure.path))) {
      this.#failure = undefined
      throw failure.error
    }
    this.#operations += 1
  }

  #access(path: string): FileAccess {
    return {
      turn: () => this.#turn(),
      change: (operation) => this.#change(operation, path),
      pend: (change) => this.#pend(change),
      sync: (inode) => this.#sync((change) => change.kind !== 'name' && change.inode === inode),
      lose: (inode) => {
        this.#pending = this.#pending.filter((change) => change.kind === 'name' || change.inode !== inode)
      },
    }
  }
}

export type FailingOperation = 'open' | 'write' | 'truncate' | 'fdatasync' | 'rename' | 'remove' | 'fsyncDirectory'

/** What an open file may do to its disk. */
interface FileAccess {
  turn(): Promise<void>
  change(operation: FailingOperation): void
  pend(change: PendingChange): void
  sync(inode: Inode): void
  /** Forgets what is pending of a file: it will never reach the disk. */
  lose(inode: Inode): void
}

class MemoryFile implements OpenFile {
  readonly #access: FileAccess
  readonly #inode: Inode

  constructor(access: FileAccess, inode: Inode) {
    this.#access = access
    this.#inode = inode
  }

  async read(target: Buffer, position: number): Promise<number> {
    await this.#access.turn()
    const bytes = this.#inode.current.view()
    return position < bytes.length ? bytes.copy(target, 0, position) : 0
  }

  async write(chunks: readonly Buffer[], position: number): Promise<void> {
    const bytes = Buffer.concat(chunks)
    await this.#access.turn()
    this.#access.change('write')
    this.#inode.current.write(position, bytes)
    this.#access.pend({ kind: 'write', inode: this.#inode, position, bytes })
  }

  async fdatasync(): Promise<void> {
    await this.#access.turn()
    try {
      this.#access.change('fdatasync')
    } catch (error) {
      // As Linux does it: what could not be written counts as written from now on, and is gone after a crash.
      this.#access.lose(this.#inode)
      throw error
    }
    this.#access.sync(this.#inode)
  }

  async truncate(size: number): Promise<void> {
    await this.#access.turn()
    this.#access.change('truncate')
    this.#inode.current.resize(size)
    this.#access.pend({ kind: 'truncate', inode: this.#inode, size })
  }

  async close(): Promise<void> {}
}

function parent(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function notFound(path: string): Error {
  return Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
}
