import { EMMETT_POSTGRESQL, loadEmmett } from '../commands/emmett.ts'
import { EVENTS_PER_ACCOUNT } from './log.ts'

interface Deposited {
  readonly type: 'Deposited'
  readonly data: { readonly cents: number }
}

interface Balance {
  readonly cents: number
}

/** What is used of it: it is no dependency of this repository, see `installEmmett`. */
interface EmmettPostgres {
  readonly getPostgreSQLEventStore: (connection: string) => {
    appendToStream(name: string, events: readonly Deposited[]): Promise<unknown>
    close(): Promise<void>
  }
  readonly pongoSingleStreamProjection: (options: {
    readonly collectionName: string
    readonly canHandle: readonly string[]
    readonly evolve: (document: Balance | null, event: Deposited) => Balance
  }) => object
  readonly rebuildPostgreSQLProjections: (options: {
    readonly connectionString: string
    readonly projections: readonly object[]
  }) => { start(): Promise<void>; close(): Promise<void> }
}

/** Its own store filled with as many events, then its own rebuild of a document per account: the seconds of that. */
export async function emmettRebuild(directory: string, connectionString: string, events: number): Promise<number> {
  const emmett = await loadEmmett<EmmettPostgres>(directory, EMMETT_POSTGRESQL)
  const store = emmett.getPostgreSQLEventStore(connectionString)
  const deposit: Deposited = { type: 'Deposited', data: { cents: 100 } }
  for (let account = 0; account < events / EVENTS_PER_ACCOUNT; account++)
    await store.appendToStream(
      `account-${account}`,
      Array.from({ length: EVENTS_PER_ACCOUNT }, () => deposit),
    )
  const balances = emmett.pongoSingleStreamProjection({
    collectionName: 'balances',
    canHandle: ['Deposited'],
    evolve: (document, { data }) => ({ cents: (document?.cents ?? 0) + data.cents }),
  })
  const consumer = emmett.rebuildPostgreSQLProjections({ connectionString, projections: [balances] })
  const startedAt = performance.now()
  // It stops by itself at the end of what is stored.
  await consumer.start()
  const seconds = (performance.now() - startedAt) / 1000
  await consumer.close()
  await store.close()
  return seconds
}
