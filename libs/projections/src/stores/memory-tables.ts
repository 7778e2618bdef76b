import type { ChangedRow } from '../scratch.ts'

/** Questions to a read model in memory: tables are maps from a text key to a value. */
export interface MemoryReader {
  get<Row>(table: string, key: string): Row | undefined
  all<Row>(table: string): readonly Row[]
}

/** The open transaction of a handler that writes to memory. Values are replaced, never changed in place. */
export interface MemoryTransaction extends MemoryReader {
  set(table: string, key: string, row: unknown): void
  delete(table: string, key: string): void
}

/** Tables with one level of undo: what a transaction changed can be taken back. */
export class MemoryTables {
  readonly #tables = new Map<string, Map<string, unknown>>()

  get(table: string, key: string): unknown {
    return this.#tables.get(table)?.get(key)
  }

  entries(table: string): readonly [string, unknown][] {
    return [...(this.#tables.get(table) ?? [])]
  }

  names(): readonly string[] {
    return [...this.#tables.keys()].toSorted()
  }

  /** A transaction and its `undo`; `changed` hears of every row that it sets or deletes. */
  begin(changed: (row: ChangedRow) => void = () => {}): { readonly tx: MemoryTransaction; readonly undo: () => void } {
    const steps: (() => void)[] = []
    const change = (table: string, key: string, row: unknown): void => {
      const rows = this.#rows(table)
      const before = rows.get(key)
      const restore = rows.has(key) ? () => rows.set(key, before) : () => rows.delete(key)
      steps.push(restore)
      if (row === undefined) rows.delete(key)
      else rows.set(key, row)
      changed({ table, key: { key }, before: before ?? null, after: row ?? null })
    }
    const tx: MemoryTransaction = {
      ...memoryReader(() => this),
      set: change,
      delete: (table, key) => change(table, key, undefined),
    }
    return { tx, undo: () => steps.reverse().forEach((step) => step()) }
  }

  #rows(table: string): Map<string, unknown> {
    const found = this.#tables.get(table)
    if (found !== undefined) return found
    const rows = new Map<string, unknown>()
    this.#tables.set(table, rows)
    return rows
  }
}

/** Reads whichever tables `tables` names at the moment of asking. */
export function memoryReader(tables: () => MemoryTables): MemoryReader {
  return {
    get: <Row>(table: string, key: string) => tables().get(table, key) as Row | undefined,
    all: <Row>(table: string) =>
      tables()
        .entries(table)
        .map(([, row]) => row as Row),
  }
}
