import { defineCommand } from '../command.ts'
import { listOf, objectOf, text, whole } from '../json-schema.ts'
import type { Report } from '../report.ts'
import { usableSchemas } from '../schemas/load-schemas.ts'
import { fromOption, isFromRegistry, schemasOption, type WhereOptions } from '../schemas/find-history.ts'
import { RegisteredHistories } from '../schemas/registered-history.ts'
import { folderTree } from '../schemas/schema-tree.ts'

export const schemasList = defineCommand<WhereOptions>({
  path: 'schemas list',
  summary: 'list the events of the folder with their subjects, or the subjects of a registry',
  options: [schemasOption, fromOption],
  uses: ['registry'],
  examples: [
    ['keyfold schemas list', 'the events in schemas/, and where they are registered'],
    ['keyfold schemas list --from registry', 'every subject of the registry'],
  ],
  data: listOf(objectOf({ subject: text, 'event?': text, fullName: text, versions: listOf(whole) })),
  async run(context, options): Promise<Report> {
    const rows = isFromRegistry(options)
      ? await registered(new RegisteredHistories(context.registry()))
      : usableSchemas(await folderTree(options.schemas)).flatMap(({ event, fullName, subjects, versions }) =>
          subjects.map((subject) => ({ subject, event, fullName, versions: versions.map(({ version }) => version) })),
        )
    return {
      data: rows,
      ids: rows.map(({ subject }) => subject),
      tables: [
        {
          columns: ['SUBJECT', 'TYPE', 'VERSIONS'],
          rows: rows.map(({ subject, fullName, versions }) => [subject, fullName, versions.join(', ')]),
        },
      ],
    }
  },
})

interface Row {
  readonly subject: string
  readonly event?: string
  readonly fullName: string
  readonly versions: readonly number[]
}

async function registered(histories: RegisteredHistories): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const subject of await histories.subjects()) rows.push(await histories.summary(subject))
  return rows
}
