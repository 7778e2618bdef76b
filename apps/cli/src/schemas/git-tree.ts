import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { CliError } from '../cli-error.ts'
import { isSchemaPath, type SchemaTree } from './schema-tree.ts'

/** More than this is no history of schemas. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/**
 * Reads the schemas that a folder held at a commit, from git's own store: nothing is checked out. A folder that was not
 * there is empty. Errors: `GIT_UNUSABLE`.
 */
export async function gitTree(ref: string, root: string): Promise<SchemaTree> {
  const folder = existingAbove(resolve(root))
  const git = (args: readonly string[], input = '') => run(folder, args, input)
  const commit = (await git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`]))
    .toString()
    .trim()
  const prefix = (await git(['rev-parse', '--show-prefix'])).toString().replace(/\n$/, '')
  const below = prefix + relative(folder, resolve(root)).replaceAll('\\', '/')
  const inside = below === '' || below.endsWith('/') ? below : `${below}/`
  const listed = await git(['ls-tree', '-r', '-z', '--full-tree', commit, ...(inside === '' ? [] : ['--', inside])])
  const blobs = listed
    .toString()
    .split('\0')
    .flatMap((line) => {
      const [, id, path = ''] = /^100\d{3} blob (\w+)\t(.*)$/s.exec(line) ?? []
      return id !== undefined && isSchemaPath(path) ? [{ id, path: path.slice(inside.length) }] : []
    })
  const texts = textsOf(await git(['cat-file', '--batch'], blobs.map(({ id }) => `${id}\n`).join('')))
  const files = new Map(blobs.map(({ path }, at) => [path, texts[at] ?? ''] as const))
  return { label: `${ref}:${inside}`, files }
}

/** The answers of `git cat-file --batch`: a line with the size, that many bytes, a line end. */
function textsOf(bytes: Buffer): readonly string[] {
  const texts: string[] = []
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\n', at)
    const size = Number(bytes.toString('latin1', at, end).split(' ')[2])
    texts.push(bytes.toString('utf8', end + 1, end + 1 + size))
    at = end + 1 + size + 1
  }
  return texts
}

/** The folder may be gone in the working tree and still be in the commit. */
function existingAbove(path: string): string {
  return existsSync(path) ? path : existingAbove(dirname(path))
}

function run(cwd: string, args: readonly string[], input: string): Promise<Buffer> {
  return new Promise((done, fail) => {
    const options = { cwd, encoding: 'buffer', maxBuffer: OUTPUT_BYTES_MAX } as const
    const child = execFile('git', args, options, (error, stdout, stderr) => {
      if (error === null) return done(stdout)
      const [reason = ''] = stderr.toString().trim().split('\n')
      fail(new CliError('GIT_UNUSABLE', reason === '' ? `git has no ${args.at(-1)}` : `git ${args[0]}: ${reason}`))
    })
    // A git that has ended already does not read its input: its exit code says why.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}
