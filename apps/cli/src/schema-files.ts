import type { SchemaFile, SchemaReference } from '@keyfold/avro'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from './cli-error.ts'
import { referenceList, referencesFix } from './schemas/reference-list.ts'

/** Reads `<root>/<context>/<event>/v<n>.avsc` with the `v<n>.references.json` beside it. An `.avsc` file with another name is an error, never silently left out. */
export async function readSchemaFiles(root: string, context?: string): Promise<readonly SchemaFile[]> {
  const files: SchemaFile[] = []
  const paths = await listFiles(root)
  for (const path of paths) {
    const match = /^([a-z][a-z0-9-]*)\/([a-z][a-z0-9-]*)\/v([1-9]\d*)\.avsc$/.exec(path)
    if (!match) {
      const fix = 'Call it <context>/<event-in-kebab-case>/v<number>.avsc.'
      throw new CliError('SCHEMAS_MISPLACED', `${join(root, path)} is not where a schema belongs`, fix)
    }
    const [, ofContext = '', event = '', version = ''] = match
    if (context !== undefined && ofContext !== context) continue
    const schema = await readFile(join(root, path), 'utf8')
    const references = await referencesBeside(join(root, path))
    files.push({ context: ofContext, event, version: Number(version), schema, references })
  }
  if (files.length === 0) {
    const what = context === undefined ? root : join(root, context)
    throw new CliError('SCHEMAS_MISSING', `there is no schema in ${what}`, `Write ${what}/<event>/v1.avsc first.`)
  }
  return files
}

async function referencesBeside(path: string): Promise<readonly SchemaReference[]> {
  const beside = path.replace(/\.avsc$/, '.references.json')
  try {
    return referenceList(await readFile(beside, 'utf8'))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    throw new CliError('SCHEMAS_INVALID', `${beside} ${message}`, referencesFix)
  }
}

/** Paths of all `.avsc` files below a folder, with `/`, in a fixed order. */
async function listFiles(root: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(root, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile() && entry.name.endsWith('.avsc'))
      .map((entry) => join(entry.parentPath, entry.name).slice(join(root, '/').length).replaceAll('\\', '/'))
      .sort()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
    throw new CliError(
      'SCHEMAS_MISSING',
      `there is no folder ${root}`,
      'Give the folder of the schemas with --schemas.',
    )
  }
}
