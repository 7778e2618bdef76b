import {
  aggregate,
  applies,
  defineCommand,
  defineEvent,
  dropped,
  handles,
  renamed,
  split,
  upcast,
  type UpcasterDescriptor,
} from '@keyfold/eventsourcing'

/** One domain as two generations of its code knew it, for tests of upcasters, the gate and replays. */

export const ordersTopic = 'shop.order'

const record = (name: string, fields: readonly object[], more: object = {}) => ({
  type: 'record',
  name,
  namespace: 'shop',
  ...more,
  fields,
})
const cents = { name: 'cents', type: 'int' }

// What was there at first.

export const PlacedV1 = defineEvent<'shop.Placed', { cents: number }>({
  name: 'shop.Placed',
  versions: [{ version: 1, schema: record('Placed', [cents]) }],
})
export const Commented = defineEvent<'shop.Commented', { text: string }>({
  name: 'shop.Commented',
  versions: [{ version: 1, schema: record('Commented', [{ name: 'text', type: 'string' }]) }],
})
export const Reduced = defineEvent<'shop.Reduced', { percent: number }>({
  name: 'shop.Reduced',
  versions: [{ version: 1, schema: record('Reduced', [{ name: 'percent', type: 'int' }]) }],
})
export const Sent = defineEvent<'shop.Sent', { parcels: number }>({
  name: 'shop.Sent',
  versions: [{ version: 1, schema: record('Sent', [{ name: 'parcels', type: 'int' }]) }],
})

// What is there now.

export const Placed = defineEvent<'shop.Placed', { cents: number; currency: string; mills: bigint }>({
  name: 'shop.Placed',
  versions: [
    ...PlacedV1.versions,
    { version: 2, schema: record('Placed', [cents, { name: 'currency', type: 'string', default: 'EUR' }]) },
    {
      version: 3,
      schema: record('Placed', [
        cents,
        { name: 'currency', type: 'string', default: 'EUR' },
        { name: 'mills', type: 'long', default: 0 },
      ]),
    },
  ],
})
/** Called Reduced once. */
export const Discounted = defineEvent<'shop.Discounted', { percent: number; reason: string }>({
  name: 'shop.Discounted',
  versions: [
    { version: 1, schema: record('Discounted', [{ name: 'percent', type: 'int' }], { aliases: ['shop.Reduced'] }) },
    {
      version: 2,
      schema: record(
        'Discounted',
        [
          { name: 'percent', type: 'int' },
          { name: 'reason', type: 'string', default: '' },
        ],
        { aliases: ['shop.Reduced'] },
      ),
    },
  ],
})
export const ParcelSent = defineEvent<'shop.ParcelSent', { number: number }>({
  name: 'shop.ParcelSent',
  versions: [{ version: 1, schema: record('ParcelSent', [{ name: 'number', type: 'int' }]) }],
})

export class Do extends defineCommand<{ readonly id: string; readonly event: object }>({
  name: 'shop.Do',
  key: 'id',
}) {}

interface Order {
  readonly log: readonly string[]
}

const noted = (state: Order, text: string, version: number) => ({ log: [...state.log, `${version} ${text}`] })

/** What the first code made of it. */
export const OrderBefore = aggregate<Order>({
  name: 'order',
  topic: ordersTopic,
  initialState: () => ({ log: [] }),
  decide: [handles(Do, ({ event }, _state: Order) => event as never)],
  evolve: [
    applies(PlacedV1, (state: Order, { cents }, { version }) => noted(state, `placed ${cents}`, version)),
    applies(Commented, (state: Order, { text }, { version }) => noted(state, `comment ${text}`, version)),
    applies(Reduced, (state: Order, { percent }, { version }) => noted(state, `reduced ${percent}`, version)),
    applies(Sent, (state: Order, { parcels }, { version }) => noted(state, `sent ${parcels}`, version)),
  ],
})

export const orderUpcasters: readonly UpcasterDescriptor[] = [
  upcast(Placed, { from: 2, to: 3 }, ({ cents, currency }) => ({ cents, currency, mills: BigInt(cents) * 10n })),
  renamed(Reduced, Discounted),
  upcast(Discounted, { from: 1, to: 2 }, ({ percent }) => ({ percent, reason: percent > 50 ? 'clearance' : '' })),
  split(Sent, { into: [ParcelSent] }, ({ parcels }) =>
    Array.from({ length: parcels }, (_, index) => ParcelSent({ number: index + 1 })),
  ),
  dropped(Commented),
]

/** What today's code makes of it. */
export function orderNow(upcasters = orderUpcasters) {
  return aggregate<Order>({
    name: 'order',
    topic: ordersTopic,
    initialState: () => ({ log: [] }),
    decide: [handles(Do, ({ event }, _state: Order) => event as never)],
    evolve: [
      applies(Placed, (state: Order, { cents, currency, mills }, { version }) =>
        noted(state, `placed ${cents} ${currency} ${mills}`, version),
      ),
      applies(Discounted, (state: Order, { percent, reason }, { version }) =>
        noted(state, `discount ${percent} ${reason}`.trim(), version),
      ),
      applies(ParcelSent, (state: Order, { number }, { version }) => noted(state, `parcel ${number}`, version)),
    ],
    upcasters,
  })
}
