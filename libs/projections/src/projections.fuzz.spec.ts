import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KeyfoldError } from '@keyfold/eventsourcing'
import { InMemoryKafka } from '@keyfold/testing'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openProjections, type Projections, SqliteReadModelStore } from './index.ts'
import { FaultyStore, type WriteFault } from './testdata/faulty-store.ts'
import { balances, codec, Deposited, Ledger, rowsOf, stored, TOPIC } from './testdata/ledger.ts'

/** What may happen to a read side, in any order. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('deposit' as const), count: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant('abort' as const), partition: fc.integer({ min: 0, max: 1 }) }),
  fc.record({ kind: fc.constant('catchUp' as const) }),
  fc.record({ kind: fc.constant('restart' as const), version: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('kill' as const), version: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('rebuild' as const) }),
  fc.record({ kind: fc.constant('loseLine' as const) }),
  fc.record({
    kind: fc.constant('breakWrites' as const),
    faults: fc.array(fc.constantFrom<WriteFault | undefined>('before', 'within', 'after', undefined), { maxLength: 4 }),
  }),
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

/** One application on one directory; a killed one is left as it is, as a zombie. */
class Application {
  readonly ledger = new Ledger(2)
  readonly #directory: string
  readonly #recordsMax: number
  readonly #zombies: Projections[] = []
  #store: FaultyStore
  #projections: Projections | undefined

  constructor(directory: string, recordsMax: number) {
    this.#directory = directory
    this.#recordsMax = recordsMax
    this.#store = this.#newStore()
  }

  async start(version: number): Promise<Projections> {
    this.#store = this.#newStore()
    const projections = await openProjections({
      kafka: new InMemoryKafka(this.ledger.kafka.log),
      codec,
      projectors: [balances({ version })],
      stores: { sqlite: this.#store },
      batch: { recordsMax: this.#recordsMax },
      retry: { batchAttempts: 6, eventAttempts: 6, firstDelayMs: 0, delayMsMax: 1 },
    })
    await projections.start()
    this.#projections = projections
    return projections
  }

  async take(next: Step): Promise<void> {
    const projections = this.#projections ?? (await this.start(1))
    if (next.kind === 'deposit') this.ledger.deposit(next.count)
    if (next.kind === 'abort') this.#abort(next.partition)
    if (next.kind === 'catchUp') await projections.caughtUp()
    if (next.kind === 'loseLine')
      this.ledger.kafka.log.readFaults.push(new KeyfoldError('KAFKA_UNREACHABLE', { retriable: true, fix: '' }, 'lost'))
    if (next.kind === 'breakWrites') this.#store.faults.push(...next.faults)
    if (next.kind === 'restart') await projections.close()
    if (next.kind === 'kill') this.#zombies.push(projections)
    if (next.kind === 'restart' || next.kind === 'kill') await this.start(next.version)
    if (next.kind === 'rebuild') await rebuilt(projections)
  }

  async end(): Promise<void> {
    for (const projections of [...this.#zombies, this.#projections]) await projections?.close()
  }

  #abort(partition: number): void {
    const records = [stored('mallory', 1, Deposited({ amount: 1_000_000n }))]
    this.ledger.kafka.log.openTransaction([{ topic: TOPIC, partition, records }]).decide('aborted')
  }

  #newStore(): FaultyStore {
    return new FaultyStore(new SqliteReadModelStore({ directory: this.#directory }))
  }
}

async function rebuilt(projections: Projections): Promise<void> {
  try {
    expect((await projections.rebuild('balances')).verified.equal).not.toBe(false)
  } catch (error) {
    if (!(error instanceof KeyfoldError) || error.code !== 'REBUILD_RUNNING') throw error
  }
}

describe('whatever happens to a read side', () => {
  it('its rows are the fold of the log, every event once', async () => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 14 }),
      fc.integer({ min: 1, max: 30 }),
      async (steps, recordsMax) => {
        const directory = await mkdtemp(join(tmpdir(), 'fuzz-'))
        const application = new Application(directory, recordsMax)
        try {
          for (const next of steps) await application.take(next)
          const projections = await application.start(3)
          await projections.caughtUp('balances')
          expect(rowsOf(projections.read('balances'))).toEqual(application.ledger.expected)
        } finally {
          await application.end()
          await rm(directory, { recursive: true })
        }
      },
    )
    await fc.assert(property, { numRuns: 40, interruptAfterTimeLimit: 8_000 })
  }, 30_000)
})
