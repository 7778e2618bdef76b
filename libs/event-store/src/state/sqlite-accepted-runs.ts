import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { AcceptedCommand } from '../writer/command-ledger.ts'
import type { StoreChanges } from './aggregate-store.ts'
import { HashFilter } from './hash-filter.ts'

export const acceptedTable = `
  CREATE TABLE IF NOT EXISTS accepted (
    seq INTEGER PRIMARY KEY, commands INTEGER NOT NULL, last_ms INTEGER NOT NULL, hashes BLOB NOT NULL,
    facts TEXT NOT NULL);
`

/**
 * Runs with fewer commands than this, and than this part of the window, are written together: a process that starts often
 * does not leave many.
 */
const fullRun = { commands: 512, ofWindow: 1 / 8 }

/** Commands that were saved together: a row, of which the hashes are in memory. */
interface Run {
  readonly seq: number
  readonly commands: number
  /** When the last of them was decided. */
  readonly lastMs: number
  /** Of their ids, sorted. */
  readonly hashes: Uint32Array
}

/**
 * The accepted commands of a store, oldest first, a row for all of a save: four bytes of each id in memory find the row
 * to look into. Whole runs leave, so what is kept is the window and less than a run more.
 */
export class AcceptedRuns {
  readonly #put: StatementSync
  readonly #facts: StatementSync
  readonly #drop: StatementSync
  readonly #seed: number
  #runs: readonly Run[]
  #filter: HashFilter

  /** `salt` belongs to the file: callers choose ids, and must not be able to choose many of one hash. */
  constructor(database: DatabaseSync, salt: string) {
    this.#put = database.prepare(
      `INSERT INTO accepted (seq, commands, last_ms, hashes, facts) VALUES (?, ?, ?, ?, ?) ON CONFLICT (seq) DO UPDATE
        SET commands = excluded.commands, last_ms = excluded.last_ms, hashes = excluded.hashes,
        facts = facts || excluded.facts`,
    )
    this.#facts = database.prepare('SELECT facts FROM accepted WHERE seq = ?')
    this.#drop = database.prepare('DELETE FROM accepted WHERE seq < ?')
    this.#seed = hashOf(salt, fnvBasis)
    const rows = database.prepare('SELECT seq, commands, last_ms, hashes FROM accepted ORDER BY seq').all()
    this.#runs = rows.map(readRun)
    this.#filter = filterOf(this.#runs)
  }

  find(commandId: string): AcceptedCommand | undefined {
    const hash = hashOf(commandId, this.#seed)
    if (!this.#filter.mayHave(hash)) return undefined
    for (let index = this.#runs.length - 1; index >= 0; index--) {
      const run = this.#runs[index]
      if (run === undefined || !hasSorted(run.hashes, hash)) continue
      const found = findIn(String(this.#facts.get(run.seq)?.['facts']), commandId)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Writes what was accepted and drops what is out of the window. Gives what to `take` once that is committed. */
  save(accepted: readonly AcceptedCommand[], window: StoreChanges['window']): readonly Run[] {
    const runs = accepted.length === 0 ? [...this.#runs] : this.#added(accepted, window)
    let commands = runs.reduce((sum, run) => sum + run.commands, 0)
    const kept = runs.findIndex((run) => {
      commands -= run.commands
      return commands < window.commands && run.lastMs >= window.notBeforeMs
    })
    const dropped = runs.splice(0, kept < 0 ? runs.length : kept)
    const last = dropped.at(-1)
    if (last !== undefined) this.#drop.run(last.seq + 1)
    return runs
  }

  take(runs: readonly Run[]): void {
    const newest = runs.at(-1)
    if (newest !== undefined && newest !== this.#runs.at(-1)) this.#filter.add(newest.hashes)
    this.#runs = runs
    if (this.#filter.isFull) this.#filter = filterOf(runs)
  }

  #added(accepted: readonly AcceptedCommand[], window: StoreChanges['window']): Run[] {
    const facts = accepted.map(writeAccepted).join('')
    const hashes = accepted.map(({ commandId }) => hashOf(commandId, this.#seed))
    const lastMs = accepted.reduce((latest, { atMs }) => Math.max(latest, atMs), 0)
    const most = Math.min(fullRun.commands, window.commands * fullRun.ofWindow)
    const last = this.#runs.at(-1)
    const begun = last !== undefined && last.commands + accepted.length <= most ? last : undefined
    const run: Run = {
      seq: begun?.seq ?? (last?.seq ?? 0) + 1,
      commands: (begun?.commands ?? 0) + accepted.length,
      lastMs: Math.max(begun?.lastMs ?? 0, lastMs),
      hashes: Uint32Array.from([...(begun?.hashes ?? []), ...hashes]).sort(),
    }
    this.#put.run(run.seq, run.commands, run.lastMs, run.hashes, facts)
    return [...this.#runs.filter((each) => each !== begun), run]
  }
}

/** A line of its own, with the id first; without the names of its members, since a window has 100,000 of them. */
function writeAccepted(command: AcceptedCommand): string {
  const { commandId, key, fingerprint, batchId, version, lastOffset, size, atMs } = command
  return lineOf(commandId) + JSON.stringify([key, fingerprint, batchId, version, lastOffset, size, atMs])
}

/** JSON holds no line break of its own, so this stands nowhere but at the beginning of a line. */
function lineOf(commandId: string): string {
  return `\n${JSON.stringify(commandId)}:`
}

/** The last that was said of it. */
function findIn(facts: string, commandId: string): AcceptedCommand | undefined {
  type Facts = [string, string, string, number, number, number, number]
  const start = lineOf(commandId)
  const at = facts.lastIndexOf(start)
  if (at < 0) return undefined
  const from = at + start.length
  const next = facts.indexOf('\n', from)
  const line = facts.slice(from, next < 0 ? facts.length : next)
  const [key, fingerprint, batchId, version, lastOffset, size, atMs] = JSON.parse(line) as Facts
  return { kind: 'Accepted', commandId, key, fingerprint, batchId, version, lastOffset, size, atMs }
}

function readRun({ seq, commands, last_ms: lastMs, hashes }: Readonly<Record<string, unknown>>): Run {
  const bytes = hashes instanceof Uint8Array ? hashes : new Uint8Array()
  // A copy of its own: numbers of four bytes have to begin at a multiple of four.
  return {
    seq: Number(seq),
    commands: Number(commands),
    lastMs: Number(lastMs),
    hashes: new Uint32Array(bytes.slice().buffer),
  }
}

function filterOf(runs: readonly Run[]): HashFilter {
  return new HashFilter(runs.map(({ hashes }) => hashes))
}

function hasSorted(hashes: Uint32Array, wanted: number): boolean {
  let [from, to] = [0, hashes.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    const found = hashes[middle] ?? 0
    if (found === wanted) return true
    if (found < wanted) from = middle + 1
    else to = middle
  }
  return false
}

const fnvBasis = 0x811c9dc5
const fnvPrime = 0x01000193

/** FNV-1a over the text's code units, from a seed on: 32 bits. */
function hashOf(text: string, seed: number): number {
  let hash = seed
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), fnvPrime)
  return hash >>> 0
}
