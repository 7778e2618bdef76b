import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPostgres } from '../../libs/projections/src/testdata/postgres-server.ts'
import { violations } from '../faults/projections/checker.ts'
import { coverageOf, coverageTable } from '../faults/projections/coverage.ts'
import { runFaultLane } from '../faults/projections/fault-lane.ts'
import { type ApacheKafka, startApacheKafka } from './apache-kafka.ts'
import { whyNoKafka } from './distribution.ts'

const missing = whyNoKafka() ?? (findPostgres() === undefined ? 'there is no PostgreSQL server' : undefined)
if (missing !== undefined) process.stdout.write(`Sharing projectors on an Apache Kafka is skipped: ${missing}.\n`)

describe.skipIf(missing !== undefined)('processes that share a projector over an Apache Kafka', () => {
  let kafka: ApacheKafka
  beforeAll(async () => {
    // Its shortest session is 6 s otherwise, and the lane waits for sessions to end.
    kafka = await startApacheKafka({ properties: { 'group.min.session.timeout.ms': '500' } })
  }, 300_000)
  afterAll(() => kafka.stop())

  it(
    'apply everything once, whoever of them dies, stands still, comes, goes or rebuilds',
    { timeout: 300_000 },
    async () => {
      const seed = Number(process.env['KEYFOLD_SEED'] ?? Date.now() % 1_000_000_007)
      const history = await runFaultLane({
        medium: 'postgres',
        members: 3,
        broker: kafka.address,
        seed,
        strikes: [
          'kill',
          'member stands still',
          'members come and go',
          'builder is killed',
          'order from afar',
          'poison',
        ],
      })
      process.stdout.write(`sharing on an Apache Kafka: KEYFOLD_SEED=${seed}\n${coverageTable(coverageOf(history))}`)
      expect(violations(history)).toEqual([])
      expect(history.log.length).toBeGreaterThan(30)
      expect(history.queries.filter(({ outcome }) => outcome === 'visible').length).toBeGreaterThan(5)
    },
  )
})
