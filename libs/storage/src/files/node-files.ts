import { constants, fdatasyncSync, writevSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { platform } from 'node:process'

import { StorageError } from '../errors.ts'
import { lockDirectory } from './directory-lock.ts'
import type { Files, OpenFile, OpenMode, SyncOptions } from './files.ts'
import { SyncPace } from './sync-pace.ts'

/** Files of a real directory. It is made, if missing, when it is locked. */
export class NodeFiles implements Files {
  readonly location: string
  readonly #pace = new SyncPace()

  constructor(directory: string) {
    this.location = directory
  }

  async lock(): Promise<() => Promise<void>> {
    try {
      await makeDirectories(this.location)
    } catch (cause) {
      throw new StorageError('DATA_DIRECTORY_UNUSABLE', `cannot create ${this.location}`, { cause })
    }
    const release = lockDirectory(this.location)
    return () => Promise.resolve(release())
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    const flags = mode === 'read' ? constants.O_RDONLY : constants.O_RDWR | constants.O_CREAT
    return new NodeFile(await fs.open(join(this.location, path), flags), this.#pace)
  }

  async sizeOf(path: string): Promise<number | undefined> {
    const stat = await ignoring('ENOENT', fs.stat(join(this.location, path)))
    return stat?.size
  }

  async list(directory: string): Promise<string[]> {
    const names = await ignoring('ENOENT', fs.readdir(join(this.location, directory)))
    return (names ?? []).sort()
  }

  async makeDirectory(directory: string): Promise<void> {
    const path = join(this.location, directory)
    // Every new name lies in the directory above it.
    for (const made of await makeDirectories(path)) await syncDirectory(dirname(made))
  }

  rename(from: string, to: string): Promise<void> {
    return fs.rename(join(this.location, from), join(this.location, to))
  }

  async remove(path: string): Promise<void> {
    await ignoring('ENOENT', fs.unlink(join(this.location, path)))
  }

  removeDirectory(directory: string): Promise<void> {
    return fs.rm(join(this.location, directory), { recursive: true, force: true })
  }

  fsyncDirectory(directory: string): Promise<void> {
    return syncDirectory(join(this.location, directory))
  }
}

/** Up to this size a write goes to the page cache at once: cheaper than a round through the thread pool. */
const synchronousWriteBytesMax = 262_144

class NodeFile implements OpenFile {
  readonly #handle: fs.FileHandle
  readonly #pace: SyncPace

  constructor(handle: fs.FileHandle, pace: SyncPace) {
    this.#handle = handle
    this.#pace = pace
  }

  async read(target: Buffer, position: number): Promise<number> {
    let done = 0
    while (done < target.length) {
      const { bytesRead } = await this.#handle.read(target, done, target.length - done, position + done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return done
  }

  async write(chunks: readonly Buffer[], position: number): Promise<void> {
    let rest = [...chunks]
    let at = position
    let remaining = rest.reduce((sum, chunk) => sum + chunk.length, 0)
    // The kernel may take less than all of it (a signal, a full disk): go on with what is left.
    while (remaining > 0) {
      const written =
        remaining <= synchronousWriteBytesMax
          ? writevSync(this.#handle.fd, rest, at)
          : (await this.#handle.writev(rest, at)).bytesWritten
      at += written
      remaining -= written
      rest = withoutFirst(rest, written)
    }
  }

  async fdatasync({ mayBlock }: SyncOptions = { mayBlock: false }): Promise<void> {
    if (!mayBlock) return this.#handle.datasync()
    const startMs = performance.now()
    if (this.#pace.isQuick) fdatasyncSync(this.#handle.fd)
    else await this.#handle.datasync()
    this.#pace.note(performance.now() - startMs)
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size)
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

function withoutFirst(chunks: readonly Buffer[], bytes: number): Buffer[] {
  let skip = bytes
  const rest: Buffer[] = []
  for (const chunk of chunks) {
    if (skip >= chunk.length) skip -= chunk.length
    else {
      rest.push(skip === 0 ? chunk : chunk.subarray(skip))
      skip = 0
    }
  }
  return rest
}

/**
 * Makes a directory and what is missing above it; answers with the ones that were made, the innermost first. Node's own
 * recursive mkdir never ends where a file system refuses new names with ENOENT, as /proc does.
 */
async function makeDirectories(path: string): Promise<string[]> {
  const make = async () =>
    (await ignoring(
      'EEXIST',
      fs.mkdir(path).then(() => true),
    ))
      ? [path]
      : []
  try {
    return await make()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
  }
  const above = await makeDirectories(dirname(path))
  return [...(await make()), ...above]
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory for this, and makes names durable by itself.
  if (platform === 'win32') return
  const handle = await fs.open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function ignoring<T>(code: string, promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === code) return undefined
    throw error
  }
}
