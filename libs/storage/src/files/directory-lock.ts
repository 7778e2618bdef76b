import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pid } from 'node:process'
import { DatabaseSync } from 'node:sqlite'

import { StorageError } from '../errors.ts'

export const lockName = 'lock'
export const holderName = 'lock.pid'

/**
 * Claims a directory for this process; returns the release function.
 * The claim is SQLite's exclusive lock on an empty file, that is, a lock of the operating system: Node has no other way
 * to one. The kernel drops it when the process ends in any way, so a stale lock cannot exist and no process id has to be
 * judged dead or reused. The file with the process id is there for the error message alone.
 */
export function lockDirectory(directory: string): () => void {
  const holderPath = join(directory, holderName)
  const database = openDatabase(directory)
  try {
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw refused(directory, holderPath, error)
  }
  writeFileSync(holderPath, `${pid}\n`)
  return () => {
    rmSync(holderPath, { force: true })
    database.close()
  }
}

function openDatabase(directory: string): DatabaseSync {
  try {
    return new DatabaseSync(join(directory, lockName))
  } catch (cause) {
    throw new StorageError('DATA_DIRECTORY_UNUSABLE', `cannot create the lock file in ${directory}`, { cause })
  }
}

const sqliteBusy = 5

function refused(directory: string, holderPath: string, cause: unknown): StorageError {
  if (!isBusy(cause)) {
    return new StorageError('DATA_DIRECTORY_UNUSABLE', `cannot lock the data directory ${directory}`, { cause })
  }
  return new StorageError('DATA_DIRECTORY_LOCKED', `process ${holder(holderPath)} is using ${directory}`, { cause })
}

/** Whether SQLite refused because another process holds the lock. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
}

function holder(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim() || '(unknown)'
  } catch {
    return '(unknown)'
  }
}
