import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { fail } from '../errors.ts'
import type { AcceptedCommand } from '../writer/command-ledger.ts'
import type { StoredOutcome } from '../writer/state-records.ts'
import { AcceptedRuns, acceptedTable } from './sqlite-accepted-runs.ts'
import type {
  AggregateStore,
  AggregateStores,
  StoreChanges,
  StoreCheckpoint,
  StoredAggregate,
  StoreIdentity,
} from './aggregate-store.ts'

/** Of the tables below. A file of another format is made anew. */
const format = 3
const lockWaitMs = 5_000

const tables = `
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS aggregates (
    key TEXT PRIMARY KEY, version INTEGER NOT NULL, last_offset INTEGER NOT NULL, state TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS outcomes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, command_id TEXT NOT NULL UNIQUE, facts TEXT NOT NULL);
  ${acceptedTable}
`

/**
 * Stores as SQLite files, one per partition, below a directory. Two processes may share the directory: whoever opens a
 * file writes a token into it, and a save under an older token changes nothing.
 *
 * Nothing is synced while a store is open: what a killed process wrote is in the page cache of the system. When the
 * system itself ends, a file may be left half-written, so one that was open then is emptied: it has the boot's id and no
 * mark of having been closed. Opening and closing are synced. Where the system does not name its boots, SQLite syncs.
 */
export class SqliteAggregateStores implements AggregateStores {
  readonly #directory: string
  readonly #newToken: () => string
  readonly #bootId: string | undefined

  constructor(directory: string, newToken: () => string, bootId: string | undefined = thisBoot()) {
    this.#directory = directory
    this.#newToken = newToken
    this.#bootId = bootId
  }

  /** A file that cannot be read is deleted. Errors: those of the file system. */
  open(identity: StoreIdentity): AggregateStore {
    const { application, topic, partition } = identity
    const name = `${encodeURIComponent(topic)}-${partition}.sqlite`
    const path = join(this.#directory, encodeURIComponent(application), name)
    mkdirSync(dirname(path), { recursive: true })
    const open = () => new SqliteAggregateStore(path, identity, { token: this.#newToken(), bootId: this.#bootId })
    try {
      return open()
    } catch (error) {
      if (!isSqliteError(error)) throw error
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
      return open()
    }
  }
}

/** Linux names each boot; other systems do not. */
function thisBoot(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return undefined
  }
}

interface Opening {
  readonly token: string
  readonly bootId: string | undefined
}

class SqliteAggregateStore implements AggregateStore {
  readonly #database: DatabaseSync
  readonly #path: string
  readonly #opening: Opening
  readonly #statements: Statements
  readonly #accepted: AcceptedRuns
  #checkpoint: StoreCheckpoint | undefined

  constructor(path: string, identity: StoreIdentity, opening: Opening) {
    this.#path = path
    this.#opening = opening
    this.#database = new DatabaseSync(path, { timeout: lockWaitMs })
    try {
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8192;')
      // One transaction, so that it is synced once.
      this.#database.exec(`BEGIN IMMEDIATE; ${tables}`)
      this.#statements = prepared(this.#database)
      const salt = this.#takeOver(JSON.stringify({ format, ...identity }))
      this.#accepted = new AcceptedRuns(this.#database, salt)
      this.#database.exec('COMMIT')
      this.#database.exec(`PRAGMA synchronous = ${opening.bootId === undefined ? 'NORMAL' : 'OFF'}`)
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  get checkpoint(): StoreCheckpoint | undefined {
    return this.#checkpoint
  }

  load(key: string): StoredAggregate | undefined {
    const row = this.#explained(() => this.#statements.load.get(key))
    if (row === undefined) return undefined
    return { state: String(row['state']), version: Number(row['version']), lastOffset: Number(row['last_offset']) }
  }

  count(): number {
    return Number(this.#explained(() => this.#statements.count.get())?.['count'])
  }

  findCommand(commandId: string): AcceptedCommand | undefined {
    return this.#explained(() => this.#accepted.find(commandId))
  }

  outcomes(): readonly StoredOutcome[] {
    const rows = this.#explained(() => this.#statements.outcomes.all())
    return rows.map((row) => JSON.parse(String(row['facts'])) as StoredOutcome)
  }

  save(changes: StoreChanges): void {
    const { aggregates, accepted, outcomes, forgotten, window, checkpoint } = changes
    const { putAggregate, putOutcome, dropOutcome } = this.#statements
    const runs = this.#transact(() => {
      for (const [key, { version, lastOffset, state }] of aggregates) putAggregate.run(key, version, lastOffset, state)
      for (const outcome of outcomes) putOutcome.run(outcome.commandId, JSON.stringify(outcome))
      for (const id of forgotten) dropOutcome.run(id)
      this.#setCheckpoint(checkpoint)
      return this.#accepted.save(accepted, window)
    })
    this.#accepted.take(runs)
  }

  clear(): void {
    this.#transact(() => this.#empty())
    this.#accepted.take([])
  }

  close(): void {
    if (!this.#database.isOpen) return
    try {
      this.#markClosed()
    } catch (error) {
      // Without the mark it is emptied after the next boot, no more.
      if (!isSqliteError(error)) throw error
    }
    this.#database.close()
  }

  /** First all that was written is synced, then the mark: it must not be there without the rest. */
  #markClosed(): void {
    if (this.#fact('owner') !== this.#opening.token) return
    this.#database.exec('PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE);')
    this.#statements.putFact.run('boot', 'closed')
  }

  /** Gives the file's salt. */
  #takeOver(identity: string): string {
    const { putFact } = this.#statements
    const boot = this.#fact('boot')
    const whole = boot === 'closed' || boot === this.#bootName
    const same = whole && this.#fact('identity') === identity
    putFact.run('owner', this.#opening.token)
    putFact.run('boot', this.#bootName)
    putFact.run('identity', identity)
    const text = this.#fact('checkpoint')
    if (same && text !== undefined) this.#checkpoint = JSON.parse(text) as StoreCheckpoint
    else this.#empty()
    const salt = this.#fact('salt') ?? this.#opening.token
    putFact.run('salt', salt)
    return salt
  }

  #empty(): void {
    this.#database.exec('DELETE FROM aggregates; DELETE FROM accepted; DELETE FROM outcomes;')
    this.#setCheckpoint(undefined)
  }

  /** SQLite's own syncing keeps a file whole over a boot. */
  get #bootName(): string {
    return this.#opening.bootId ?? 'synced'
  }

  #setCheckpoint(checkpoint: StoreCheckpoint | undefined): void {
    if (checkpoint === undefined) this.#statements.dropFact.run('checkpoint')
    else this.#statements.putFact.run('checkpoint', JSON.stringify(checkpoint))
    this.#checkpoint = checkpoint
  }

  #fact(name: string): string | undefined {
    const row = this.#statements.fact.get(name)
    return row === undefined ? undefined : String(row['value'])
  }

  #transact<Result>(work: () => Result): Result {
    return this.#explained(() => {
      this.#database.exec('BEGIN IMMEDIATE')
      try {
        if (this.#fact('owner') !== this.#opening.token)
          throw fail('STATE_STORE_LOST', `${this.#path} was opened by another writer`)
        const result = work()
        this.#database.exec('COMMIT')
        return result
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
        throw error
      }
    })
  }

  #explained<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (cause) {
      if (!isSqliteError(cause)) throw cause
      throw fail('STATE_STORE_LOST', `${this.#path}: ${cause.message}`, { cause })
    }
  }
}

const statements = {
  fact: 'SELECT value FROM facts WHERE name = ?',
  putFact: 'INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  dropFact: 'DELETE FROM facts WHERE name = ?',
  load: 'SELECT version, last_offset, state FROM aggregates WHERE key = ?',
  count: 'SELECT count(*) AS count FROM aggregates',
  outcomes: 'SELECT facts FROM outcomes ORDER BY seq',
  putAggregate: `INSERT INTO aggregates VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE
    SET version = excluded.version, last_offset = excluded.last_offset, state = excluded.state`,
  putOutcome: 'INSERT OR REPLACE INTO outcomes (command_id, facts) VALUES (?, ?)',
  dropOutcome: 'DELETE FROM outcomes WHERE command_id = ?',
} as const

type Statements = Readonly<Record<keyof typeof statements, StatementSync>>

function prepared(database: DatabaseSync): Statements {
  const rows = Object.entries(statements).map(([name, text]) => [name, database.prepare(text)] as const)
  return Object.fromEntries(rows) as Statements
}

function isSqliteError(error: unknown): error is Error {
  return error instanceof Error && (error as { readonly code?: unknown }).code === 'ERR_SQLITE_ERROR'
}
