import { diffSchemas } from '@keyfold/avro'
import { defineCommand } from '../command.ts'
import { listOf, objectOf, orNull, text, truth, whole } from '../json-schema.ts'
import type { Report } from '../report.ts'
import { levelProblems } from '../schemas/check-history.ts'
import { changeText } from '../schemas/compare-trees.ts'
import { guidOf } from '../schemas/event-history.ts'
import { findHistory, fromOption, schemasOption, type WhereOptions } from '../schemas/find-history.ts'
import { LEVEL_DEFAULT } from '../schemas/levels.ts'

export const schemasHistory = defineCommand<WhereOptions>({
  path: 'schemas history',
  summary: 'show the versions of an event with what each changed',
  arguments: [['<event>', 'bank/money-deposited, MoneyDeposited, bank.MoneyDeposited, or a subject']],
  options: [schemasOption, fromOption],
  uses: ['registry'],
  examples: [
    ['keyfold schemas history MoneyDeposited', 'every step, and whether it reads all before it'],
    ['keyfold schemas history bank.account-bank.MoneyDeposited --from registry', 'the same in a registry'],
  ],
  data: objectOf({
    event: text,
    fullName: text,
    versions: listOf(
      objectOf({ version: whole, guid: text, id: orNull(whole), readsAllBefore: truth, changes: listOf(text) }),
    ),
  }),
  async run(context, options, [name = '']): Promise<Report> {
    const { event, fullName, versions } = await findHistory(context, options, name)
    const rows = versions.map((each, index) => {
      const before = versions.slice(0, index)
      const previous = before.at(-1)
      return {
        version: each.version,
        guid: guidOf(each),
        id: each.id ?? null,
        readsAllBefore: levelProblems(event, each, { level: LEVEL_DEFAULT, before }).length === 0,
        changes: previous === undefined ? [] : diffSchemas(previous.source, each.source).map(changeText),
      }
    })
    return {
      data: { event, fullName, versions: rows },
      items: rows,
      ids: rows.map(({ version }) => String(version)),
      tables: [
        {
          columns: ['VERSION', { heading: 'ID', right: true }, 'GUID', 'READS ALL BEFORE', 'CHANGES'],
          rows: rows.map(({ version, id, guid, readsAllBefore, changes }) => [
            version,
            id,
            guid,
            readsAllBefore ? 'yes' : 'no',
            changes.join('; '),
          ]),
        },
      ],
    }
  },
})
