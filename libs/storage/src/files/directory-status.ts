import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StorageError } from '../errors.ts'
import { holderName, isBusy, lockName } from './directory-lock.ts'

/** Whether a process is using a data directory; `pid` is its own word for it, undefined when it left none. */
export type DirectoryStatus =
  | { readonly state: 'absent' }
  | { readonly state: 'free' }
  | { readonly state: 'in-use'; readonly pid: number | undefined }

/**
 * Looks whether a directory is locked, without locking or changing it. `absent` is one in which no broker ever was.
 * Errors: `DATA_DIRECTORY_UNUSABLE`.
 */
export function directoryStatus(directory: string): DirectoryStatus {
  const lockPath = join(directory, lockName)
  if (!existsSync(lockPath)) return { state: 'absent' }
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(lockPath, { readOnly: true })
    // Reading takes a shared lock, which the holder's exclusive one refuses.
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    return { state: 'free' }
  } catch (cause) {
    if (isBusy(cause)) return { state: 'in-use', pid: pidIn(join(directory, holderName)) }
    throw new StorageError('DATA_DIRECTORY_UNUSABLE', `cannot look at the lock of ${directory}`, { cause })
  } finally {
    database?.close()
  }
}

function pidIn(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim())
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}
