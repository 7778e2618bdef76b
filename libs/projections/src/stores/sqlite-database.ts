import { DatabaseSync } from 'node:sqlite'
import { fail, textOf } from '../errors.ts'

const LOCK_WAIT_MS = 5_000
/** Result codes of SQLite (https://www.sqlite.org/rescode.html), without their extensions. */
const BUSY = 5
const READONLY = 8
const CORRUPT = 11
const CANTOPEN = 14
const NOTADB = 26

/**
 * Opens a database in WAL mode. A commit survives the end of the process either way, `kill -9` included: what was
 * written is in the page cache of the system. The two levels differ only when the machine loses power:
 * - `FULL`: every commit is synced. For the control database, which changes rarely.
 * - `NORMAL`: the last commits may be gone, always rows and checkpoint together, so that they are read from the log
 *   again. For read models.
 */
export function openDatabase(path: string, synchronous: 'FULL' | 'NORMAL'): DatabaseSync {
  return explained(path, () => {
    const database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS })
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};`)
    database.exec('PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000;')
    return database
  })
}

/** A second connection, which sees committed rows only and can write none. */
export function openReadOnly(path: string): DatabaseSync {
  return explained(path, () => {
    const database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS, readOnly: true })
    database.exec('PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;')
    return database
  })
}

/** Runs something on a database file; an error that concerns the file as a whole says which file and what to do. */
export function explained<Result>(path: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    const { code, errcode } = error as { code?: unknown; errcode?: unknown }
    const result = code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number' ? errcode & 0xff : undefined
    if (result === CORRUPT || result === NOTADB)
      throw fail('READ_MODEL_CORRUPT', `${path}: ${textOf(error)}`, { cause: error, details: { path } })
    if (result === READONLY || result === CANTOPEN)
      throw fail('READ_MODEL_UNWRITABLE', `${path}: ${textOf(error)}`, { cause: error, details: { path } })
    // Another process is in the middle of a transaction, perhaps a stopped one.
    if (result === BUSY)
      throw fail('READ_MODEL_UNAVAILABLE', `${path}: ${textOf(error)}`, { cause: error, details: { path } })
    throw error
  }
}
