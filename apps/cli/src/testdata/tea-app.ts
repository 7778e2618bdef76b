import { aggregate, applies, defineCommand, defineEvent, handles, reject } from '@keyfold/eventsourcing'
import { KeyfoldModule } from '@keyfold/nest'
import { Module } from '@nestjs/common'

/** An application as a user's compiled one would be: `--app` loads it. */
export class Fill extends defineCommand<{ cupId: string; ml: bigint }>({ name: 'tea.Fill', key: 'cupId' }) {}

export const Filled = defineEvent<'tea.Filled', { ml: bigint }>({
  name: 'tea.Filled',
  versions: [
    { version: 1, schema: { type: 'record', name: 'Filled', namespace: 'tea', fields: [{ name: 'ml', type: 'long' }] } },
  ],
})

export const Cup = aggregate<{ ml: bigint }>({
  name: 'cup',
  topic: 'tea.cup',
  initialState: () => ({ ml: 0n }),
  decide: [
    handles(Fill, ({ ml }, state: { ml: bigint }) =>
      state.ml + ml > 250n ? reject('CUP_FULL') : Filled({ ml }),
    ),
  ],
  evolve: [applies(Filled, (state: { ml: bigint }, { ml }) => ({ ml: state.ml + ml }))],
})

export class TeaModule {}
Module({ imports: [KeyfoldModule.forRoot(), KeyfoldModule.forFeature({ aggregates: [Cup] })] })(TeaModule)
