import { DataSource, EntitySchema } from 'typeorm'

// #region typeorm
interface Balance {
  account: string
  /** TypeORM gives a bigint column as text. */
  cents: string
}

/** The view of the serving generation: replaced in place when a rebuild switches. */
export const BalanceView = new EntitySchema<Balance>({
  name: 'Balance',
  type: 'view',
  schema: 'kysely_balances',
  tableName: 'balance',
  synchronize: false,
  columns: {
    account: { type: String, primary: true },
    cents: { type: 'bigint' },
  },
})

export async function openReader(url: string): Promise<DataSource> {
  return await new DataSource({ type: 'postgres', url, entities: [BalanceView], synchronize: false }).initialize()
}

export async function richest(reader: DataSource): Promise<readonly Balance[]> {
  return await reader.getRepository(BalanceView).find({ order: { cents: 'DESC' }, take: 10 })
}
// #endregion typeorm
