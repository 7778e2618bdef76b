import { type GeneratedFile, generateEvents } from '@keyfold/avro'
import type { Command } from 'commander'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EXIT, type Output } from '../exit-codes.ts'
import { readSchemaFiles } from '../schema-files.ts'

interface GenOptions {
  readonly schemas: string
  readonly out: string
  readonly context?: string
  readonly check?: boolean
}

export function addSchemasCommands(program: Command, output: Output, finish: (code: number) => void): void {
  program
    .command('schemas')
    .description('Avro schemas of the events')
    .helpCommand(false)
    .command('gen')
    .description('write TypeScript for the events in schemas/<context>/<event>/v<n>.avsc')
    .option('--schemas <dir>', 'folder of the schemas', 'schemas')
    .requiredOption('--out <dir>', 'folder for the generated files')
    .option('--context <name>', 'only the events of this context')
    .option('--check', 'write nothing; exit 1 when a file is missing or stale')
    .action(async (options: GenOptions) => finish(await generate(options, output)))
}

async function generate(options: GenOptions, output: Output): Promise<number> {
  const schemas = await readSchemaFiles(options.schemas, options.context)
  const files = generateEvents({ schemas })
  return options.check ? check(files, options, output) : write(files, options, output)
}

async function write(files: readonly GeneratedFile[], { out }: GenOptions, output: Output): Promise<number> {
  await mkdir(out, { recursive: true })
  for (const file of files) {
    const path = join(out, file.path)
    const isSame = (await currentText(path)) === file.text
    // A file that did not change keeps its time, so that watchers and builds have nothing to do.
    if (!isSame) await writeFile(path, file.text)
    output.out(`${path}${isSame ? ' (unchanged)' : ''}`)
  }
  return EXIT.ok
}

async function check(files: readonly GeneratedFile[], options: GenOptions, output: Output): Promise<number> {
  let code: number = EXIT.ok
  for (const file of files) {
    const path = join(options.out, file.path)
    const current = await currentText(path)
    if (current === file.text) continue
    const cause = current === undefined ? 'does not exist' : 'is stale'
    output.err(
      `SCHEMAS_STALE: ${path} ${cause}. Fix: keyfold schemas gen --schemas ${options.schemas} --out ${options.out}`,
    )
    code = EXIT.found
  }
  return code
}

async function currentText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
