import { defineCommand } from '../command.ts'
import { listOf, objectOf, text, whole } from '../json-schema.ts'
import type { Report } from '../report.ts'
import { guidOf } from '../schemas/event-history.ts'
import { findHistory, fromOption, schemasOption, type WhereOptions } from '../schemas/find-history.ts'
import { versionOf } from './schemas-diff.ts'

export const schemasShow = defineCommand<WhereOptions>({
  path: 'schemas show',
  summary: 'print one version of an event',
  arguments: [
    ['<event>', 'bank/money-deposited, MoneyDeposited, bank.MoneyDeposited, or a subject'],
    ['[version]', 'a number, or latest, which is what is meant without it'],
  ],
  options: [schemasOption, fromOption],
  uses: ['registry'],
  examples: [
    ['keyfold schemas show MoneyDeposited', 'the newest version, as it stands in its file'],
    ['keyfold schemas show MoneyDeposited 1 -o json', 'with its guid and what it refers to'],
    ['keyfold schemas show bank.account-bank.MoneyDeposited --from registry', 'as a registry holds it'],
  ],
  data: objectOf({
    event: text,
    version: whole,
    fullName: text,
    subjects: listOf(text),
    guid: text,
    schema: text,
    references: listOf(objectOf({ name: text, subject: text, version: whole })),
  }),
  async run(context, options, [name = '', wanted = 'latest']): Promise<Report> {
    const history = await findHistory(context, options, name)
    const found = versionOf(history, wanted)
    const { event, fullName, subjects } = history
    const { version, references, source } = found
    const guid = guidOf(found)
    return {
      data: { event, version, fullName, subjects, guid, schema: source.text, references },
      ids: [guid],
      lines: source.text.trimEnd().split('\n'),
    }
  },
})
