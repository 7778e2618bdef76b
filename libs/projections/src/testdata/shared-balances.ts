import { on, projector, type ProjectorDescriptor } from '@keyfold/eventsourcing'
import type { PostgresTransaction } from '../index.ts'
import { Deposited } from './ledger.ts'

interface Options {
  readonly name?: string
  readonly onError?: 'halt' | 'park-key'
  /** Whether the handler throws. */
  readonly isBroken?: () => boolean
}

/** Times of processes that share, for tests that wait until they have passed. */
export const quickSharing = { sessionTimeoutMs: 700, heartbeatIntervalMs: 100, lookEveryMs: 50 }

/** Balances, and an audit row per applied event without any unique key, so that a repeat would show. */
export function sharedBalances(
  topic: string,
  { isBroken = () => false, ...options }: Options = {},
): ProjectorDescriptor {
  return projector<PostgresTransaction>({
    name: 'balances',
    version: 1,
    from: [topic],
    store: 'postgres',
    ...options,
    setup: (tx) => tx.exec('CREATE TABLE audit (place text NOT NULL, account text NOT NULL, cents bigint NOT NULL)'),
    on: [
      on(Deposited, async ({ amount }, { key, partition, offset, tx }) => {
        if (isBroken()) throw new Error('not yet')
        await tx.run('INSERT INTO audit VALUES ($1, $2, $3)', `${partition}/${offset}`, key, amount)
      }),
    ],
  })
}
