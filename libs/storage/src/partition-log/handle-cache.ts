import type { Files, OpenFile, OpenMode } from '../files/files.ts'

interface Handle {
  readonly file: Promise<OpenFile>
  users: number
  isForgotten: boolean
}

/** Keeps the files used last open, up to a limit; a file in use is never closed. */
export class HandleCache {
  readonly #files: Files
  readonly #handlesMax: number
  /** In order of last use. */
  readonly #handles = new Map<string, Handle>()

  constructor(files: Files, handlesMax: number) {
    this.#files = files
    this.#handlesMax = handlesMax
  }

  /** Opens a file (by default for writing, too, and created if missing), or takes the open one, and lends it to `work`. */
  async use<T>(path: string, work: (file: OpenFile) => Promise<T>, mode: OpenMode = 'write'): Promise<T> {
    const handle = this.#handles.get(path) ?? { file: this.#files.open(path, mode), users: 0, isForgotten: false }
    this.#handles.delete(path)
    this.#handles.set(path, handle)
    handle.users += 1
    try {
      return await work(await handle.file)
    } catch (error) {
      // A file that could not be opened, or failed, is opened anew the next time.
      if (this.#handles.get(path) === handle) this.#handles.delete(path)
      handle.isForgotten = true
      throw error
    } finally {
      handle.users -= 1
      if (handle.isForgotten) await closeUnused(handle)
      else await this.#closeSurplus()
    }
  }

  /** Closes the files whose path starts with `prefix` as soon as nobody uses them: they are about to go. */
  async forget(prefix: string): Promise<void> {
    for (const [path, handle] of this.#handles) {
      if (!path.startsWith(prefix)) continue
      this.#handles.delete(path)
      handle.isForgotten = true
      await closeUnused(handle)
    }
  }

  async close(): Promise<void> {
    await this.forget('')
  }

  async #closeSurplus(): Promise<void> {
    if (this.#handles.size <= this.#handlesMax) return
    for (const [path, handle] of this.#handles) {
      if (handle.users > 0) continue
      this.#handles.delete(path)
      await closeUnused(handle)
      return
    }
  }
}

async function closeUnused(handle: Handle): Promise<void> {
  if (handle.users > 0) return
  const file = await handle.file.catch(() => undefined)
  await file?.close()
}
