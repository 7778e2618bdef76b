import { defineCommand, defineEvent, type ProjectionContext, reject } from '@keyfold/eventsourcing'
import type { SqliteTransaction } from '@keyfold/projections'
import { Aggregate, Applies, Handles } from '../decorators/aggregate.decorator.ts'
import { On, Projector } from '../decorators/projector.decorator.ts'

/** A small domain for this library's tests: cups that are filled. */
export class Fill extends defineCommand<{ cupId: string; ml: number }>({ name: 'tea.Fill', key: 'cupId' }) {}

export interface Filled {
  readonly ml: number
}
export const Filled = defineEvent<'tea.Filled', Filled>({
  name: 'tea.Filled',
  versions: [
    { version: 1, schema: { type: 'record', name: 'Filled', namespace: 'tea', fields: [{ name: 'ml', type: 'int' }] } },
  ],
})

@Aggregate({ name: 'cup', topic: 'tea.cup' })
export class Cup {
  ml = 0

  @Handles(Fill)
  fill({ ml }: Fill) {
    return this.ml + ml > 250 ? reject('CUP_FULL') : Filled({ ml })
  }

  @Applies(Filled)
  filled({ ml }: Filled) {
    this.ml += ml
  }
}

@Projector({ name: 'volumes', version: 1, from: [Cup] })
export class Volumes {
  setup(tx: SqliteTransaction) {
    tx.exec('CREATE TABLE volumes (cup_id TEXT PRIMARY KEY, ml INTEGER NOT NULL) STRICT')
  }

  @On(Filled)
  filled({ ml }: Filled, { tx, key }: ProjectionContext<SqliteTransaction>) {
    tx.run('INSERT INTO volumes VALUES (?, ?) ON CONFLICT DO UPDATE SET ml = ml + excluded.ml', key, ml)
  }
}
