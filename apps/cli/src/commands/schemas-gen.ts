import { AvroError, type GeneratedFile, generateEvents, type GenerationInput, type SchemaFile } from '@keyfold/avro'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { listOf, objectOf, oneOf, text } from '../json-schema.ts'
import type { Report } from '../report.ts'
import { readSchemaFiles } from '../schema-files.ts'
import { errorPlace } from '../schemas/load-schemas.ts'
import { placeText } from '../schemas/problem.ts'
import { readTopicFiles } from '../topic-files.ts'

interface GenOptions {
  readonly schemas: string
  readonly out: string
  readonly context?: string
  readonly check?: boolean
}

export const schemasGen = defineCommand<GenOptions>({
  path: 'schemas gen',
  summary: 'write TypeScript for the events in schemas/<context>/<event>/v<n>.avsc',
  options: [
    { flags: '--schemas <dir>', description: 'folder of the schemas', default: 'schemas' },
    { flags: '--out <dir>', description: 'folder for the generated files', isRequired: true },
    { flags: '--context <name>', description: 'only the events of this context' },
    { flags: '--check', description: 'write nothing; exit 1 when a file is missing or stale' },
  ],
  examples: [
    ['keyfold schemas gen --schemas schemas --out src/generated', 'write the types of all events'],
    ['keyfold schemas gen --out src/generated --check', 'exit 1 when they are stale'],
  ],
  exits: { found: 'with --check: a file is missing or stale' },
  data: objectOf({ files: listOf(objectOf({ path: text, state: oneOf('written', 'unchanged', 'missing', 'stale') })) }),
  async run(_context, options) {
    const schemas = await neededFiles(options)
    const topics = await readTopicFiles(
      options.schemas,
      schemas.map(({ context }) => context),
    )
    const all = generated({ schemas, topics }, options.schemas)
    const files = all.filter(({ path }) => options.context === undefined || path === `${options.context}.ts`)
    return options.check ? check(files, options) : write(files, options)
  },
})

/** Those of the context; of all when something in it refers to others, which may be anywhere. */
async function neededFiles({ schemas: root, context }: GenOptions): Promise<readonly SchemaFile[]> {
  const files = await readSchemaFiles(root, context)
  const isAlone = context === undefined || files.every(({ references = [] }) => references.length === 0)
  return isAlone ? files : readSchemaFiles(root)
}

/** The generator says at which character of a text that is no JSON it stopped; people want the line. */
function generated(input: GenerationInput, root: string): readonly GeneratedFile[] {
  try {
    return generateEvents(input)
  } catch (error) {
    if (!(error instanceof AvroError)) throw error
    const [, path, reason = ''] = /^(\S+\.avsc): (.*)$/s.exec(error.message) ?? []
    const file = input.schemas.find(({ context, event, version }) => path === `${context}/${event}/v${version}.avsc`)
    const { at, message } = errorPlace(join(root, path ?? ''), file?.schema ?? '', reason)
    if (file === undefined || message === reason) throw error
    throw new CliError('SCHEMAS_INVALID', `${placeText(at)} ${message}`, error.fix)
  }
}

interface FileState {
  readonly path: string
  readonly state: 'written' | 'unchanged' | 'missing' | 'stale'
}

async function write(generated: readonly GeneratedFile[], { out }: GenOptions): Promise<Report> {
  await mkdir(out, { recursive: true })
  const files: FileState[] = []
  for (const file of generated) {
    const path = join(out, file.path)
    const isSame = (await currentText(path)) === file.text
    // A file that did not change keeps its time, so that watchers and builds have nothing to do.
    if (!isSame) await writeFile(path, file.text)
    files.push({ path, state: isSame ? 'unchanged' : 'written' })
  }
  const lines = files.map(({ path, state }) => `${path}${state === 'unchanged' ? ' (unchanged)' : ''}`)
  return { data: { files }, lines, ids: files.map(({ path }) => path), items: files }
}

async function check(generated: readonly GeneratedFile[], options: GenOptions): Promise<Report> {
  const files: FileState[] = []
  for (const file of generated) {
    const path = join(options.out, file.path)
    const current = await currentText(path)
    if (current !== file.text) files.push({ path, state: current === undefined ? 'missing' : 'stale' })
  }
  return {
    status: files.length === 0 ? 'ok' : 'found',
    data: { files },
    lines: [],
    ids: files.map(({ path }) => path),
    items: files,
    diagnostics: files.map(({ path, state }) => ({
      severity: 'error',
      code: 'SCHEMAS_STALE',
      message: `${path} ${state === 'missing' ? 'does not exist' : 'is stale'}.`,
      fix: `keyfold schemas gen --schemas ${options.schemas} --out ${options.out}`,
    })),
  }
}

async function currentText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
