import type { EventCodec } from '@keyfold/event-store'
import { defineEvent, type DomainEvent, on, type ProjectionHandler, projector, type ProjectorDescriptor } from '@keyfold/eventsourcing'
import type { RecordToWrite } from '@keyfold/kafka'
import { eventRecord, InMemoryCodec, InMemoryKafka } from '@keyfold/testing'
import type { SqliteReader, SqliteTransaction } from '../index.ts'

/** A ledger of deposits, for this library's own tests. */
export const TOPIC = 'test.account'

export const Deposited = defineEvent<'test.Deposited', { amount: bigint; note: string }, { amount: bigint; note?: string }>({
  name: 'test.Deposited',
  versions: [
    {
      version: 1,
      schema: {
        type: 'record',
        namespace: 'test',
        name: 'Deposited',
        fields: [
          { name: 'amount', type: 'long' },
          { name: 'note', type: 'string', default: '' },
        ],
      },
    },
  ],
})

const Renamed = defineEvent<'test.Renamed', { name: string }>({
  name: 'test.Renamed',
  versions: [
    {
      version: 1,
      schema: { type: 'record', namespace: 'test', name: 'Renamed', fields: [{ name: 'name', type: 'string' }] },
    },
  ],
})

export const codec = new InMemoryCodec([Deposited, Renamed])

/** The codec with some of its methods done otherwise. */
export function codecWith(methods: Partial<EventCodec>): EventCodec {
  return {
    register: (...given) => codec.register(...given),
    encode: (...given) => codec.encode(...given),
    prepare: (values) => codec.prepare(values),
    decode: (value) => codec.decode(value),
    knows: (type) => codec.knows(type),
    storedTypesOf: (types) => codec.storedTypesOf(types),
    ...methods,
  }
}

/** Balances per key, and an audit row per applied event without any unique key, so that a repeat would show. */
export function balances(options: Partial<ProjectorDescriptor> = {}): ProjectorDescriptor {
  const descriptor = projector<SqliteTransaction>({
    name: 'balances',
    version: 1,
    from: [TOPIC],
    store: 'sqlite',
    onError: 'halt',
    setup: (tx) =>
      tx.exec(`CREATE TABLE balance (account TEXT PRIMARY KEY, cents INTEGER NOT NULL, version INTEGER NOT NULL);
        CREATE TABLE audit (place TEXT NOT NULL);`),
    on: [
      on(Deposited, ({ amount }, { key, version, partition, offset, tx }) => {
        tx.run(
          `INSERT INTO balance VALUES (?, ?, ?)
           ON CONFLICT DO UPDATE SET cents = cents + excluded.cents, version = excluded.version`,
          key,
          amount,
          version,
        )
        tx.run('INSERT INTO audit VALUES (?)', `${partition}/${offset}`)
      }),
    ],
  })
  return { ...descriptor, ...options }
}

/** The same with something done before its handler, which may throw. */
export function balancesAfter(
  before: (context: Parameters<ProjectionHandler>[1]) => void,
  options: Partial<ProjectorDescriptor> = {},
): ProjectorDescriptor {
  const plain = balances(options)
  const handlers = new Map<string, ProjectionHandler>()
  for (const [name, handler] of plain.handlers)
    handlers.set(name, (data, context) => {
      before(context)
      return handler(data, context)
    })
  return { ...plain, handlers }
}

/** An event as an event store would have written it. */
export function stored(key: string, version: number, event: DomainEvent, value?: Buffer): RecordToWrite {
  return eventRecord(event, value ?? codec.encode(TOPIC, event).value, { key, version })
}

/** A log that a test writes deposits into, one transaction each, and that knows what follows from them. */
export class Ledger {
  readonly kafka = new InMemoryKafka()
  readonly #versions = new Map<string, number>()
  readonly #cents = new Map<string, bigint>()
  readonly #partitions: number

  constructor(partitions = 2) {
    this.#partitions = partitions
    this.kafka.log.createTopic({ name: TOPIC, partitions })
  }

  /** Deposits 1 cent into each of the accounts in turn, `count` times; answers the last position. */
  deposit(count: number, accounts: readonly string[] = ['ann', 'bob', 'eve']): { partition: number; offset: number } {
    let last = { partition: 0, offset: 0 }
    for (let index = 0; index < count; index++) {
      const key = accounts[index % accounts.length] ?? ''
      const version = (this.#versions.get(key) ?? 0) + 1
      this.#versions.set(key, version)
      this.#cents.set(key, (this.#cents.get(key) ?? 0n) + 1n)
      const partition = (key.codePointAt(0) ?? 0) % this.#partitions
      const records = [stored(key, version, Deposited({ amount: 1n }))]
      const offset = this.kafka.log.append({ topic: TOPIC, partition, records })
      this.kafka.log.openTransaction([{ topic: TOPIC, partition, records: [] }]).decide('committed')
      last = { partition, offset }
    }
    return last
  }

  /** What the rows must be when everything is applied exactly once. */
  get expected(): { balances: readonly object[]; audited: number } {
    const names = [...this.#versions.keys()].toSorted()
    const rows = names.map((account) => ({
      account,
      cents: this.#cents.get(account),
      version: BigInt(this.#versions.get(account) ?? 0),
    }))
    return { balances: rows, audited: [...this.#versions.values()].reduce((sum, version) => sum + version, 0) }
  }
}

/** The rows of a read model in the form of `Ledger.expected`; an event that was applied twice counts twice. */
export function rowsOf(reader: SqliteReader): { balances: readonly object[]; audited: number } {
  const rows = reader.bigints.all<object>('SELECT * FROM balance ORDER BY account')
  const { audited, places } = reader.get<{ audited: number; places: number }>(
    'SELECT count(*) AS audited, count(DISTINCT place) AS places FROM audit',
  ) ?? { audited: 0, places: 0 }
  if (audited !== places) throw new Error(`${audited - places} events were applied twice`)
  return { balances: rows.map((row) => ({ ...row })), audited }
}
