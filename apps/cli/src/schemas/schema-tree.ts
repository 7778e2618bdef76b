import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'

/** Files in which schemas are looked for: those of a folder, or of a commit. */
export interface SchemaTree {
  /** What stands before a path of it in messages: `schemas/`, `main:schemas/`. */
  readonly label: string
  /** Texts by their paths below the root, with `/`, in a fixed order. */
  readonly files: ReadonlyMap<string, string>
}

/** Reads the `.avsc` and `.json` files below a folder. Errors: `SCHEMAS_MISSING`, `FILE_UNREADABLE`. */
export async function folderTree(root: string): Promise<SchemaTree> {
  const files = new Map<string, string>()
  for (const path of await pathsBelow(root)) files.set(path, await textOf(join(root, path)))
  return { label: `${root.replace(/[\\/]+$/, '')}/`, files }
}

export function isSchemaPath(path: string): boolean {
  return /\.(avsc|json)$/i.test(path)
}

async function pathsBelow(root: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(root, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile() && isSchemaPath(entry.name))
      .map((entry) => join(entry.parentPath, entry.name).slice(join(root, '/').length).replaceAll('\\', '/'))
      .sort()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw new CliError('FILE_UNREADABLE', message)
    throw new CliError('SCHEMAS_MISSING', `there is no folder ${root}`, 'Give the folder of the schemas with --schemas')
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new CliError('FILE_UNREADABLE', (error as Error).message)
  }
}
