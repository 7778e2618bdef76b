import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  MemoryReadModelStore,
  type MemoryReader,
  PostgresReadModelStore,
  type PostgresReadModelStoreOptions,
  type PostgresReader,
  type ReadModelStore,
  SqliteReadModelStore,
  type SqliteReader,
} from '@keyfold/projections'

/** Where the rows of a specification are kept while it runs: files, memory, or a database that is left as it was. */
export type SpecificationStore =
  | 'sqlite'
  | 'memory'
  | { readonly postgres: PostgresReadModelStoreOptions['connection'] }

/** An open store for one projector, and how its rows are asked for. */
export interface OpenMedium {
  readonly store: ReadModelStore
  /** What the projector is called here, so that nothing else in a shared database is touched. */
  readonly projector: string
  /** The answer to SQL, or the rows of a table in memory. */
  readonly ask: (handle: unknown, question: string) => Promise<readonly object[]>
  readonly close: () => Promise<void>
}

export async function openMedium(kind: SpecificationStore, projector: string): Promise<OpenMedium> {
  if (kind === 'memory') return inMemory(projector)
  return kind === 'sqlite' ? await inFiles(projector) : await inPostgres(kind.postgres)
}

function inMemory(projector: string): OpenMedium {
  const ask: OpenMedium['ask'] = async (handle, table) => (handle as MemoryReader).all<object>(table)
  return { store: new MemoryReadModelStore(), projector, ask, close: async () => {} }
}

async function inFiles(projector: string): Promise<OpenMedium> {
  const directory = await mkdtemp(join(tmpdir(), 'keyfold-specification-'))
  const store = new SqliteReadModelStore({ directory })
  await store.open()
  const close = async (): Promise<void> => {
    await store.close()
    await rm(directory, { recursive: true, force: true })
  }
  const ask: OpenMedium['ask'] = async (handle, sql) => (handle as SqliteReader).bigints.all<object>(sql)
  return { store, projector, ask, close }
}

async function inPostgres(connection: PostgresReadModelStoreOptions['connection']): Promise<OpenMedium> {
  const projector = `specification_${randomBytes(8).toString('hex')}`
  const schema = `${projector}_control`
  const store = new PostgresReadModelStore({ connection, schema })
  await store.open()
  const close = async (): Promise<void> => {
    const model = await store.claim(projector)
    const { generations } = await model.record()
    const schemas = [projector, ...generations.map(({ generation }) => `${projector}_g${generation}`), schema]
    const [first] = generations
    if (first !== undefined) {
      const generation = await model.openGeneration(first.generation)
      const sql = schemas.map((name) => `DROP SCHEMA IF EXISTS ${name} CASCADE`).join('; ')
      await generation.run((tx) => tx.exec(sql))
    }
    await store.close()
  }
  const ask: OpenMedium['ask'] = (handle, sql) => (handle as PostgresReader).all(sql)
  return { store, projector, ask, close }
}
