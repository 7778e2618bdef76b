import type { Amounts, Columns, Row, RowTable } from './row-table.ts'

/** Changes rows of one table inside a handler's transaction. Nothing is read, so nothing has to be awaited. */
export interface RowWriter<Key extends Columns, Rest extends Columns> {
  /** Adds to columns. A row that is not there yet is made first, with 0, '' and the like; null counts as 0. */
  add(key: Row<Key>, amounts: Amounts<Rest>): void
  /** Changes these columns. A row that is not there yet is made first, as by `add`. */
  put(key: Row<Key>, values: Partial<Row<Rest>>): void
  remove(key: Row<Key>): void
}

type Value = unknown
type Summand = number | bigint

/** What a batch does to one row, in the order: remove what was there, set columns, add to columns. */
export interface RowChange {
  readonly key: readonly Value[]
  removed: boolean
  /** It is there afterwards, even if nothing was set or added. */
  stays: boolean
  readonly set: Map<string, Value>
  readonly added: Map<string, Summand>
}

/** The changes of one table, folded per row. */
export class RowChanges {
  readonly table: RowTable
  readonly writer: RowWriter<Columns, Columns>
  readonly #keyColumns: readonly string[]
  readonly #rows = new Map<unknown, RowChange>()

  constructor(table: RowTable) {
    this.table = table
    this.#keyColumns = Object.keys(table.key)
    this.writer = {
      add: (key, amounts) => this.#add(key, amounts),
      put: (key, values) => this.#put(key, values),
      remove: (key) => this.#remove(key),
    }
  }

  get size(): number {
    return this.#rows.size
  }

  /** The changes in the order of their keys, so that two writers lock rows in the same order; and forgets them. */
  take(): readonly RowChange[] {
    const ordered = [...this.#rows.values()].toSorted((left, right) => compareKeys(left.key, right.key))
    this.#rows.clear()
    return ordered
  }

  #add(key: Readonly<Record<string, Value>>, amounts: Readonly<Record<string, Value>>): void {
    const change = this.#change(key)
    change.stays = true
    for (const column in amounts) {
      const amount = this.#summand(column, amounts[column])
      if (amount === undefined) continue
      if (change.set.has(column))
        change.set.set(column, sum((change.set.get(column) ?? undefined) as Summand | undefined, amount))
      else change.added.set(column, sum(change.added.get(column), amount))
    }
  }

  #put(key: Readonly<Record<string, Value>>, values: Readonly<Record<string, Value>>): void {
    const change = this.#change(key)
    change.stays = true
    for (const column in values) {
      this.#refuseUnknown(column)
      if (values[column] === undefined) continue
      change.set.set(column, values[column])
      change.added.delete(column)
    }
  }

  #remove(key: Readonly<Record<string, Value>>): void {
    const change = this.#change(key)
    change.removed = true
    change.stays = false
    change.set.clear()
    change.added.clear()
  }

  #change(key: Readonly<Record<string, Value>>): RowChange {
    const values = this.#keyColumns.map((column) => this.#keyValue(key, column))
    const identity = values.length === 1 ? identityOf(values[0]) : JSON.stringify(values.map(identityOf))
    const found = this.#rows.get(identity)
    if (found !== undefined) return found
    const change: RowChange = { key: values, removed: false, stays: false, set: new Map(), added: new Map() }
    this.#rows.set(identity, change)
    return change
  }

  #keyValue(key: Readonly<Record<string, Value>>, column: string): Value {
    const value = key[column]
    if (value === undefined || value === null)
      throw new TypeError(`a row of ${this.table.name} needs its key column ${column}`)
    return value
  }

  #summand(column: string, amount: Value): Summand | undefined {
    this.#refuseUnknown(column)
    if (amount === undefined || typeof amount === 'number' || typeof amount === 'bigint') return amount
    throw new TypeError(`only numbers can be added to ${this.table.name}.${column}, not ${typeof amount}`)
  }

  #refuseUnknown(column: string): void {
    if (!Object.hasOwn(this.table.columns, column))
      throw new TypeError(`table ${this.table.name} has no column ${column} beside its key`)
  }
}

/** All tables that one transaction changes by row. */
export class RowBatch {
  readonly #tables = new Map<string, RowChanges>()

  /** The writer of a table. @throws {TypeError} when another declaration of the same name is in use. */
  rows<Key extends Columns, Rest extends Columns>(table: RowTable<Key, Rest>): RowWriter<Key, Rest> {
    const found = this.#tables.get(table.name)
    if (found === undefined) {
      const changes = new RowChanges(table)
      this.#tables.set(table.name, changes)
      return changes.writer
    }
    if (found.table !== (table as RowTable)) throw new TypeError(`table ${table.name} is declared twice`)
    return found.writer
  }

  get isEmpty(): boolean {
    for (const { size } of this.#tables.values()) if (size > 0) return false
    return true
  }

  /** The tables with changes, to be written and forgotten. */
  *changed(): Generator<RowChanges> {
    for (const changes of this.#tables.values()) if (changes.size > 0) yield changes
  }
}

function sum(left: Summand | undefined, right: Summand): Summand {
  if (left === undefined) return right
  if (typeof left === 'bigint' && typeof right === 'bigint') return left + right
  if (typeof left === 'number' && typeof right === 'number') return left + right
  throw new TypeError('a bigint and a number cannot be added: give the column one of them')
}

/** Something two equal keys share in a Map, whatever their type. */
function identityOf(value: Value): unknown {
  if (typeof value === 'string') return value
  if (value instanceof Date) return `d${value.getTime()}`
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('base64')}`
  return `${typeof value}${String(value)}`
}

function compareKeys(left: readonly Value[], right: readonly Value[]): number {
  for (let index = 0; index < left.length; index++) {
    const order = compare(left[index], right[index])
    if (order !== 0) return order
  }
  return 0
}

function compare(left: Value, right: Value): number {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right)
  const [one, other] = [left, right] as [number, number]
  if (one < other) return -1
  return one > other ? 1 : 0
}
