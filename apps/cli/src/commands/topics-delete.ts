import { defineCommand } from '../command.ts'
import { failureOf } from '../failure.ts'
import { listOf, objectOf, text } from '../json-schema.ts'
import type { Diagnostic } from '../report.ts'

export const topicsDelete = defineCommand({
  path: 'topics delete',
  summary: 'delete topics with all their records',
  details: 'Asks first; --yes answers. Where nobody can be asked it refuses (exit code 5).',
  arguments: [['<topic...>', 'their names']],
  uses: ['kafka'],
  examples: [['keyfold topics delete old-topic --yes', 'delete it without being asked']],
  exits: { partial: 'some could not be deleted', refused: 'nobody has said yes' },
  data: objectOf({ deleted: listOf(text), failed: listOf(text) }),
  async run(context, _options, names) {
    const admin = await context.admin()
    // A name that is not there is found out before anybody is asked.
    for (const name of names) await admin.describeTopic(name)
    await context.confirm(`delete ${names.length === 1 ? 'topic' : 'topics'} ${names.join(', ')} with all records`)
    const deleted: string[] = []
    const diagnostics: Diagnostic[] = []
    for (const name of names) {
      try {
        await admin.deleteTopic(name)
        deleted.push(name)
      } catch (error) {
        if (names.length === 1) throw error
        diagnostics.push({ severity: 'error', ...failureOf(error) })
      }
    }
    return {
      status: diagnostics.length === 0 ? 'ok' : 'partial',
      data: { deleted, failed: names.filter((name) => !deleted.includes(name)) },
      ids: deleted,
      lines: deleted.map((name) => `topic ${name} deleted`),
      diagnostics,
    }
  },
})
