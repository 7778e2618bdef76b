import { connectKafka } from '@keyfold/kafka'
import { openProjections, PostgresReadModelStore } from '../index.ts'
import { codec } from './ledger.ts'
import { quickSharing, sharedBalances } from './shared-balances.ts'

/**
 * One of several processes that share a projector: `broker topic postgresPort database instanceId`. It is told by
 * messages when to `start` and when to `rebuild`, and says `up`, `ready` and `building`.
 */
const [broker = '', topic = '', port = '', database = '', instanceId = ''] = process.argv.slice(2)
const kafka = await connectKafka({ brokers: [broker], clientId: instanceId })
const place = { host: '127.0.0.1', port: Number(port), user: 'keyfold', database }
// Short, since the test stops processes in the middle of transactions.
const postgres = new PostgresReadModelStore({ connection: { ...place, idle_in_transaction_session_timeout: 400 } })
const projections = await openProjections({
  kafka,
  codec,
  projectors: [sharedBalances(topic)],
  stores: { postgres },
  batch: { recordsMax: 3 },
  sharing: { application: 'test', instanceId, ...quickSharing },
})
const say = (what: 'up' | 'ready' | 'building') => (): void => void process.send?.(what)
process.on('disconnect', () => process.exit(1))
process.on('message', (order: 'start' | 'rebuild') => {
  if (order === 'start') void projections.start().then(say('ready'))
  // So slow that a test can end the process in the middle of it.
  else projections.rebuild('balances', { eventsPerSecondMax: 20, onProgress: say('building') }).catch(say('building'))
})
say('up')()
