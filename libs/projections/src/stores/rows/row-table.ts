/**
 * The types of columns: how the databases declare them, and the neutral value with which a row starts that `add` or a
 * partial `put` has made.
 */
export const COLUMN_TYPES = {
  text: { sqlite: 'TEXT', postgres: 'text', neutral: { sqlite: "''", postgres: "''" } },
  integer: { sqlite: 'INTEGER', postgres: 'integer', neutral: { sqlite: '0', postgres: '0' } },
  bigint: { sqlite: 'INTEGER', postgres: 'bigint', neutral: { sqlite: '0', postgres: '0' } },
  double: { sqlite: 'REAL', postgres: 'double precision', neutral: { sqlite: '0', postgres: '0' } },
  boolean: { sqlite: 'INTEGER', postgres: 'boolean', neutral: { sqlite: '0', postgres: 'false' } },
  bytes: { sqlite: 'BLOB', postgres: 'bytea', neutral: { sqlite: "x''", postgres: "''" } },
  /** A Date; SQLite keeps milliseconds since 1970. */
  timestamp: { sqlite: 'INTEGER', postgres: 'timestamptz', neutral: { sqlite: '0', postgres: "'epoch'" } },
  /** Any JSON value; SQLite keeps its text. */
  json: { sqlite: 'TEXT', postgres: 'jsonb', neutral: { sqlite: "'null'", postgres: "'null'" } },
} as const

export type ColumnType = keyof typeof COLUMN_TYPES
/** `text?` may be null. */
export type ColumnSpecification = ColumnType | `${ColumnType}?`
export type Columns = Readonly<Record<string, ColumnSpecification>>

interface Values {
  text: string
  integer: number
  bigint: bigint
  double: number
  boolean: boolean
  bytes: Uint8Array
  timestamp: Date
  json: unknown
}

/** The TypeScript type of a column. */
export type ColumnValue<Specification extends ColumnSpecification> =
  Specification extends `${infer Type extends ColumnType}?`
    ? Values[Type] | null
    : Specification extends ColumnType
      ? Values[Specification]
      : never

export type Row<Of extends Columns> = { readonly [Name in keyof Of]: ColumnValue<Of[Name]> }
/** Amounts to add, of the columns that are numbers. */
export type Amounts<Of extends Columns> = {
  readonly [Name in keyof Of as ColumnValue<Of[Name]> extends number | bigint ? Name : never]?: ColumnValue<Of[Name]>
}

/**
 * A table whose rows a projector changes by key. What a batch of events does to a row is folded in memory and written
 * once, many rows in one statement: see `RowWriter`.
 */
export interface RowTable<Key extends Columns = Columns, Rest extends Columns = Columns> {
  readonly name: string
  readonly key: Key
  readonly columns: Rest
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/

/**
 * Declares such a table; `tx.createTable` in `setup` makes it.
 * @throws {TypeError} for a name that is no plain identifier, for no key, and for a column that is there twice.
 */
export function rowTable<const Key extends Columns, const Rest extends Columns>(
  name: string,
  { key, columns }: { readonly key: Key; readonly columns: Rest },
): RowTable<Key, Rest> {
  for (const identifier of [name, ...Object.keys(key), ...Object.keys(columns)])
    if (!NAME.test(identifier)) throw new TypeError(`${identifier}: a name is letters, digits and _, at most 63`)
  if (Object.keys(key).length === 0) throw new TypeError(`table ${name} needs a key: rows are changed by it`)
  const twice = Object.keys(key).find((column) => column in columns)
  if (twice !== undefined) throw new TypeError(`table ${name} has the column ${twice} in its key and beside it`)
  return { name, key, columns }
}

/** A column's type without the mark for null. */
export function typeOf(specification: ColumnSpecification): ColumnType {
  return specification.replace('?', '') as ColumnType
}

/** CREATE TABLE in a database's own words. */
export function createTableSql({ name, key, columns }: RowTable, database: 'sqlite' | 'postgres'): string {
  const declared = Object.entries({ ...key, ...columns }).map(([column, specification]) => {
    const type = COLUMN_TYPES[typeOf(specification)]
    if (specification.endsWith('?')) return `"${column}" ${type[database]}`
    return `"${column}" ${type[database]} NOT NULL${column in key ? '' : ` DEFAULT ${type.neutral[database]}`}`
  })
  const primary = Object.keys(key).map((column) => `"${column}"`)
  return `CREATE TABLE "${name}" (${declared.join(', ')}, PRIMARY KEY (${primary.join(', ')}))`
}
