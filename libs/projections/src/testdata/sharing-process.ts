import { connectKafka } from '@keyfold/kafka'
import { openProjections, PostgresReadModelStore } from '../index.ts'
import { codec } from './ledger.ts'
import { sharedBalances } from './shared-balances.ts'

/** One of several processes that share a projector: `broker topic postgresPort database instanceId`. */
const [broker = '', topic = '', port = '', database = '', instanceId = ''] = process.argv.slice(2)
const kafka = await connectKafka({ brokers: [broker], clientId: instanceId })
const place = { host: '127.0.0.1', port: Number(port), user: 'keyfold', database }
// Short, since the test stops processes in the middle of transactions.
const postgres = new PostgresReadModelStore({ connection: { ...place, idle_in_transaction_session_timeout: 1_000 } })
const projections = await openProjections({
  kafka,
  codec,
  projectors: [sharedBalances(topic)],
  stores: { postgres },
  batch: { recordsMax: 3 },
  sharing: { application: 'test', instanceId, sessionTimeoutMs: 2_000, heartbeatIntervalMs: 100, lookEveryMs: 50 },
})
await projections.start()
process.stdout.write('ready\n')
process.on('SIGUSR2', () => {
  const said = (): boolean => process.stdout.write('building\n')
  // So slow that a test can end the process in the middle of it.
  projections.rebuild('balances', { eventsPerSecondMax: 20, onProgress: said }).catch(said)
})
