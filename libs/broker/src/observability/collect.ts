import type { BrokerContext } from '../broker-context.ts'
import { collectGroups } from './collect-groups.ts'
import { collectLogs } from './collect-logs.ts'
import type { Exposition } from './exposition.ts'

/** Samples of everything a broker has: what it counted, and what it is like now. */
export function collectBroker(broker: BrokerContext, into: Exposition): void {
  const { catalog, config, fetchSessions, metrics, node, storage } = broker
  into.sample('keyfold_broker_info', 1, node.nodeId, catalog.clusterId, config.text('keyfold.durability'))
  into.sample('keyfold_broker_accepts_writes', storage.acceptsWrites ? 1 : 0)
  into.sample('keyfold_broker_journal_pending_bytes', storage.pendingBytes)
  into.sample('keyfold_broker_fetch_sessions', fetchSessions.size)
  const slots = config.number('max.incremental.fetch.session.cache.slots')
  into.sample('keyfold_broker_fetch_session_slots', slots)
  metrics.collect(into)
  collectLogs(broker, into)
  collectGroups(broker, into)
  collectTransactions(broker, into)
}

function collectTransactions({ transactions, clock }: BrokerContext, into: Exposition): void {
  const { open } = transactions
  const nowMs = clock.steady()
  const oldestMs = open.reduce((oldest, { startMs }) => Math.min(oldest, startMs), nowMs)
  into.sample('keyfold_broker_transactional_ids', transactions.idCount)
  into.sample('keyfold_broker_open_transactions', open.length)
  into.sample('keyfold_broker_oldest_open_transaction_age_seconds', (nowMs - oldestMs) / 1000)
}
