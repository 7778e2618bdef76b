import type { PoolClient } from './postgres-connections.ts'
import { quoted } from './rows/row-statements.ts'

/** SQLSTATE invalid_table_definition: a view of this name has other columns. */
const OTHER_COLUMNS = '42P16'

/**
 * Points the views of a projector at the tables of a generation, inside the caller's transaction. A view that keeps its
 * columns is replaced in place, so that readers notice nothing, not even those with prepared statements.
 */
export async function switchViews(client: PoolClient, viewSchema: string, generationSchema: string): Promise<void> {
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${quoted(viewSchema)}`)
  const tables = await namesIn(client, 'pg_tables', 'tablename', generationSchema)
  const views = await namesIn(client, 'pg_views', 'viewname', viewSchema)
  for (const view of views)
    if (!tables.includes(view)) await client.query(`DROP VIEW ${quoted(viewSchema)}.${quoted(view)}`)
  for (const table of tables) {
    const view = `${quoted(viewSchema)}.${quoted(table)}`
    const select = `AS SELECT * FROM ${quoted(generationSchema)}.${quoted(table)}`
    await client.query('SAVEPOINT before_view')
    try {
      await client.query(`CREATE OR REPLACE VIEW ${view} ${select}`)
    } catch (error) {
      if ((error as { code?: unknown }).code !== OTHER_COLUMNS) throw error
      await client.query(`ROLLBACK TO before_view; DROP VIEW ${view}; CREATE VIEW ${view} ${select}`)
    }
  }
}

async function namesIn(
  client: PoolClient,
  catalog: 'pg_tables' | 'pg_views',
  column: 'tablename' | 'viewname',
  schema: string,
): Promise<readonly string[]> {
  const sql = `SELECT ${column} AS name FROM ${catalog} WHERE schemaname = $1 ORDER BY 1`
  const { rows } = await client.query<{ name: string }>(sql, [schema])
  return rows.map(({ name }) => name)
}
