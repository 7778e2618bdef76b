import { defineEvent } from '@keyfold/eventsourcing'
import { InMemoryKafka } from '@keyfold/testing'
import { describe, expect, it } from 'vitest'
import { aggregate, applies, handles } from '@keyfold/eventsourcing'
import { openEventStore } from '../event-store.ts'
import { MemorySchemaRegistry } from '../testing/memory-schema-registry.ts'
import { Do } from '../testing/orders.ts'
import { RegistryEventCodec } from './registry-event-codec.ts'

const card = { type: 'record', name: 'Card', fields: [{ name: 'digits', type: 'string' }] }
const cash = { type: 'record', name: 'Cash', fields: [] }
const Paid = defineEvent<'test.Paid', object>({
  name: 'test.Paid',
  versions: [
    {
      version: 1,
      schema: {
        type: 'record',
        name: 'Paid',
        namespace: 'test',
        fields: [
          { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 } },
          { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
          { name: 'sequence', type: 'long' },
          { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['FULL', 'PART'] } },
          { name: 'by', type: [card, cash] },
          { name: 'note', type: ['null', 'string'] },
          { name: 'lines', type: { type: 'array', items: { type: 'map', values: 'int' } } },
        ],
      },
    },
  ],
})
const good = {
  amount: '12.30',
  at: new Date(0),
  sequence: 1n,
  kind: 'FULL',
  by: { 'test.Card': { digits: '4711' } },
  note: null,
  lines: [{ a: 1 }],
}
const { note: _, ...withoutNote } = good

describe('the gate at write', () => {
  it.each<[string, object, { field: string; expected: unknown; got: unknown }]>([
    ['a field is missing', withoutNote, { field: 'note', expected: 'null or string', got: 'nothing' }],
    ['there is a field too many', { ...good, tip: 1 }, { field: 'tip', expected: 'no such field', got: 'number 1' }],
    [
      'a text stands for a number',
      { ...good, sequence: '1' },
      { field: 'sequence', expected: 'bigint of 64 bits', got: 'string "1"' },
    ],
    [
      'a number stands for a bigint',
      { ...good, sequence: 1 },
      { field: 'sequence', expected: 'bigint of 64 bits', got: 'number 1' },
    ],
    [
      'a long is out of range',
      { ...good, sequence: 2n ** 63n },
      { field: 'sequence', expected: 'bigint of 64 bits', got: 'bigint 9223372036854775808n' },
    ],
    [
      'a decimal would be rounded',
      { ...good, amount: '12.305' },
      { field: 'amount', expected: expect.stringContaining('2 of them after the point'), got: 'string "12.305"' },
    ],
    [
      'a decimal has too many digits',
      { ...good, amount: '12345.67' },
      { field: 'amount', expected: expect.stringContaining('at most 6 digits'), got: 'string "12345.67"' },
    ],
    [
      'a decimal is a number',
      { ...good, amount: 12.3 },
      { field: 'amount', expected: expect.stringContaining('decimal text'), got: 'number 12.3' },
    ],
    [
      'an enum has no such symbol',
      { ...good, kind: 'HALF' },
      { field: 'kind', expected: 'one of FULL, PART', got: 'string "HALF"' },
    ],
    [
      'a union has no such branch',
      { ...good, by: { 'test.Cheque': {} } },
      { field: 'by', expected: '{ "test.Card": … } or { "test.Cash": … }', got: 'object with test.Cheque' },
    ],
    [
      'a branch is not named',
      { ...good, by: { digits: '4711' } },
      { field: 'by', expected: '{ "test.Card": … } or { "test.Cash": … }', got: 'object with digits' },
    ],
    [
      'a branch is wrong inside',
      { ...good, by: { 'test.Card': { digits: 4711 } } },
      { field: 'by["test.Card"].digits', expected: 'string', got: 'number 4711' },
    ],
    ['a nullable is something else', { ...good, note: 5 }, { field: 'note', expected: 'string', got: 'number 5' }],
    [
      'a date is invalid',
      { ...good, at: new Date(Number.NaN) },
      { field: 'at', expected: 'Date', got: 'Date that is invalid' },
    ],
    [
      'an item is wrong deep inside',
      { ...good, lines: [{ a: 1 }, { b: 1.5 }] },
      { field: 'lines[1]["b"]', expected: 'whole number of 32 bits', got: 'number 1.5' },
    ],
    [
      'an int is out of range',
      { ...good, lines: [{ a: 2 ** 31 }] },
      { field: 'lines[0]["a"]', expected: 'whole number of 32 bits', got: 'number 2147483648' },
    ],
  ])('fails a command when %s, and writes nothing', async (_title, data, misfit) => {
    const kafka = new InMemoryKafka()
    const registry = new MemorySchemaRegistry()
    const payment = aggregate<object>({
      name: 'payment',
      topic: 'test.payment',
      initialState: () => ({}),
      decide: [handles(Do, ({ event }) => [Paid(good), Paid(event)])],
      evolve: [applies(Paid, (state: object) => state)],
    })
    const codec = new RegistryEventCodec({ url: registry.url, registry })
    const store = await openEventStore({ application: 'test', kafka, codec, aggregates: [payment], partitions: 1 })
    const outcome = await store.execute(new Do({ id: 'p', event: data }))
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'EVENT_DOES_NOT_FIT', details: { type: 'test.Paid', ...misfit } },
    })
    const { message } = (outcome as { error: Error }).error
    expect(message).toContain('test.Paid')
    expect(message).toContain(misfit.field)
    expect(await store.readEvents({ topic: 'test.payment' })).toEqual([])
    expect(await store.execute(new Do({ id: 'p', event: good }))).toMatchObject({ kind: 'committed', version: 2 })
    await store.close()
  })
})
