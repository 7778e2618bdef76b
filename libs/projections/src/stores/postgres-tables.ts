import type { TableDigest } from '../read-model-store.ts'
import type { PoolClient } from './postgres-connections.ts'
import { quoted } from './rows/row-statements.ts'

/**
 * The digests of a schema's tables, made by the database itself so that no row travels: every row's text, with its
 * columns in the order of their names, is hashed, and the two halves of the hashes are added up, each modulo 2^64.
 */
export async function postgresTableDigests(client: PoolClient, schema: string): Promise<readonly TableDigest[]> {
  const tables = 'SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 ORDER BY 1'
  const { rows } = await client.query<{ name: string }>(tables, [schema])
  const digests: TableDigest[] = []
  for (const { name } of rows) digests.push(await digestOf(client, schema, name))
  return digests
}

async function digestOf(client: PoolClient, schema: string, table: string): Promise<TableDigest> {
  const named = `SELECT column_name AS name FROM information_schema.columns
    WHERE table_schema = $1 AND table_name = $2 ORDER BY 1`
  const { rows: columns } = await client.query<{ name: string }>(named, [schema, table])
  const row = `ROW(${columns.map(({ name }) => quoted(name)).join(', ')})::text`
  const half = (from: number): string =>
    `mod(coalesce(sum(('x' || substr(digest, ${from}, 16))::bit(64)::bigint::numeric), 0), 18446744073709551616)::text`
  const sql = `SELECT count(*)::integer AS rows, ${half(1)} AS high, ${half(17)} AS low
    FROM (SELECT md5(${row}) AS digest FROM ${quoted(schema)}.${quoted(table)}) AS digests`
  const { rows } = await client.query<{ rows: number; high: string; low: string }>(sql)
  const { rows: count, high, low } = rows[0] ?? { rows: 0, high: '0', low: '0' }
  return { name: table, rows: count, checksum: [high, low].map(wordOf).join('') }
}

function wordOf(sum: string): string {
  return BigInt.asUintN(64, BigInt(sum)).toString(16).padStart(16, '0')
}
