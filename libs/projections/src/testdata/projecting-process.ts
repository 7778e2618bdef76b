import { openProjections, SqliteReadModelStore } from '../index.ts'
import { balances, codec, Ledger } from './ledger.ts'

/** A process that projects the same log every time, until it is killed: `<directory> <events> <project | rebuild>`. */
const [, , directory = '', events = '0', task] = process.argv
const ledger = new Ledger(2)
ledger.deposit(Number(events))
const projections = await openProjections({
  kafka: ledger.kafka,
  codec,
  projectors: [balances()],
  stores: { sqlite: new SqliteReadModelStore({ directory }) },
  batch: { recordsMax: 5 },
})
await projections.start()
process.send?.('running')
await projections.caughtUp()
if (task === 'rebuild') {
  process.send?.('rebuilding')
  // A rebuild that an earlier process has left is gone on with by itself.
  const resumed = projections.status()[0]?.state === 'rebuilding'
  if (resumed) while (projections.status()[0]?.state === 'rebuilding') await new Promise((resolve) => setTimeout(resolve, 1))
  else await projections.rebuild('balances')
}
process.send?.('done')
await projections.close()
process.disconnect?.()
