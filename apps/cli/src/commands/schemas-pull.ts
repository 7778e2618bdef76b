import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { failureOf } from '../failure.ts'
import { listOf, objectOf, oneOf, text } from '../json-schema.ts'
import type { Diagnostic, Report } from '../report.ts'
import { loadSchemas } from '../schemas/load-schemas.ts'
import { schemasOption } from '../schemas/find-history.ts'
import { planPull } from '../schemas/pull-files.ts'
import { type RegisteredHistory, RegisteredHistories } from '../schemas/registered-history.ts'
import { folderTree, type SchemaTree } from '../schemas/schema-tree.ts'

interface PullOptions {
  readonly schemas: string
  readonly prefix?: string
  readonly context?: string
  readonly overwrite?: boolean
  readonly dryRun?: boolean
}

export const schemasPull = defineCommand<PullOptions>({
  path: 'schemas pull',
  summary: 'write the history that a registry holds into the folder, so that check works offline',
  details: [
    'Subjects <topic>-<full name> become <context>/<event>/v<n>.avsc and an entry of <context>/topics.json.',
    'Softly deleted versions are pulled, too: what was written with them may still be stored.',
  ].join('\n'),
  options: [
    schemasOption,
    { flags: '--prefix <text>', description: 'only subjects that begin so, such as a topic' },
    {
      flags: '--context <name>',
      description: 'folder for events that the folder does not know yet (default: namespace)',
    },
    { flags: '--overwrite', description: 'replace files that differ from what is registered' },
    { flags: '--dry-run', description: 'say what would be written' },
  ],
  uses: ['registry'],
  examples: [
    ['keyfold schemas pull', 'take over everything that is registered'],
    ['keyfold schemas pull --prefix bank.account- --dry-run', 'what one topic would bring'],
  ],
  exits: {
    partial: 'some subjects have no place in the folder',
    refused: 'a file differs from what is registered: see --overwrite',
  },
  data: objectOf({
    files: listOf(objectOf({ path: text, state: oneOf('written', 'unchanged', 'differs', 'overwritten') })),
    left: listOf(objectOf({ subject: text, reason: text })),
  }),
  async run(
    context,
    { schemas: root, prefix = '', context: into, overwrite = false, dryRun = false },
  ): Promise<Report> {
    const tree = await treeIfThere(root)
    const registered = new RegisteredHistories(context.registry())
    const histories: RegisteredHistory[] = []
    const left: { subject: string; reason: string }[] = []
    for (const subject of (await registered.subjects()).filter((name) => name.startsWith(prefix)))
      try {
        const history = await registered.history(subject)
        if (history !== undefined) histories.push(history)
      } catch (error) {
        const { code, message } = failureOf(error)
        if (code !== 'SCHEMA_NOT_AVRO' && code !== 'AVRO_SCHEMA_INVALID') throw error
        left.push({ subject, reason: message })
      }
    const plan = planPull(histories, { histories: loadSchemas(tree).histories, tree, context: into })
    left.push(...plan.left)
    const files = plan.files.map(({ path, text: content, state }) => ({
      path: join(root, path),
      content,
      state: state === 'differs' && overwrite ? ('overwritten' as const) : state,
    }))
    if (!dryRun)
      for (const { path, content, state } of files)
        if (state === 'written' || state === 'overwritten') await write(path, content)
    const differing = files.filter(({ state }) => state === 'differs')
    return {
      status: differing.length > 0 ? 'refused' : left.length > 0 ? 'partial' : 'ok',
      data: { files: files.map(({ path, state }) => ({ path, state })), left },
      ids: files.flatMap(({ path, state }) => (state === 'unchanged' ? [] : [path])),
      lines: [
        ...files.flatMap(({ path, state }) =>
          state === 'unchanged' ? [] : [`${dryRun ? 'would be ' : ''}${state}: ${path}`],
        ),
        `${files.filter(({ state }) => state === 'unchanged').length} unchanged`,
      ],
      diagnostics: [...differing.map(({ path }) => differs(path)), ...left.map(leftOut)],
    }
  },
})

/** A folder that is not there yet is empty. */
async function treeIfThere(root: string): Promise<SchemaTree> {
  try {
    return await folderTree(root)
  } catch (error) {
    if (failureOf(error).code !== 'SCHEMAS_MISSING') throw error
    return { label: `${root}/`, files: new Map() }
  }
}

async function write(path: string, content: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
  } catch (error) {
    throw new CliError('FILE_UNWRITABLE', (error as Error).message)
  }
}

function differs(path: string): Diagnostic {
  const message = `${path} differs from what is registered as that version`
  return {
    severity: 'error',
    code: 'SCHEMAS_DIVERGED',
    message,
    fix: 'Give your own version the next number, or add --overwrite',
  }
}

function leftOut({ subject, reason }: { readonly subject: string; readonly reason: string }): Diagnostic {
  return { severity: 'warning', code: 'SUBJECT_LEFT_OUT', message: `${subject} is left out: ${reason}` }
}
