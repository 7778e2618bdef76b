import { MemorySchemaLog, MemorySchemaTopic, startRegistry } from '@keyfold/registry'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runInTest } from '../../apps/cli/src/testing/test-world.ts'
import { type GuideBlock, guideBlocks } from './guide-blocks.ts'

const root = join(import.meta.dirname, '../..')
const guide = join(root, 'docs/guides/how-to/evolve-an-event.md')
const page = readFileSync(guide, 'utf8')
const blocks = guideBlocks(page)
const snippets = blocks.filter(({ language }) => language === 'ts').map(({ words: [name = ''] }) => name)

/** Below the repository, so that its packages are found. */
let home = ''
/** The page with what its commands print now. */
let printed = ''
const here = process.cwd()
let registryUrl = ''
let closeRegistry = async (): Promise<void> => {}

beforeAll(async () => {
  mkdirSync(join(root, '.cache'), { recursive: true })
  home = mkdtempSync(join(root, '.cache/guide-'))
  process.chdir(home)
  git('init', '--quiet', '--initial-branch', 'main')
  const registry = await startRegistry({ log: new MemorySchemaLog(new MemorySchemaTopic()), port: 0 })
  registryUrl = registry.url
  closeRegistry = () => registry.close()
  printed = await playedPage()
  await runInTest(['schemas', 'gen', '--out', 'generated'])
}, 60_000)
afterAll(async () => {
  process.chdir(here)
  await closeRegistry()
  rmSync(home, { recursive: true, force: true })
})

/** `vitest run test/guides -u` writes the outputs of the commands into the page anew. */
describe('docs/guides/how-to/evolve-an-event.md', () => {
  it('shows what its commands print, on its files', async () => {
    expect(snippets).toHaveLength(5)
    await expect(printed).toMatchFileSnapshot(guide)
  })

  it('has TypeScript that compiles', { timeout: 60_000 }, () => {
    const extended = '../../tsconfig.test.json'
    writeFileSync('tsconfig.json', JSON.stringify({ extends: extended, include: ['*.ts', 'generated/*.ts'] }))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', '.'], { encoding: 'utf8' })
    // Packages are checked on their own.
    expect(stdout.split('\n').filter((line) => !/^(\.\.\/|\s|$)/.test(line))).toEqual([])
    expect(stdout === '' ? status : 0).toBe(0)
  })

  it.each(snippets)('%s does what it says', async (name) => {
    await expect(import(join(home, name))).resolves.toBeDefined()
  })
})

/** Writes the files of the page and runs its commands, in their order. */
async function playedPage(): Promise<string> {
  let written = page
  let section = ''
  for (const block of blocks) {
    // Every section begins with everything before it published.
    if (block.section !== section) commit((section = block.section))
    if (block.language === 'console') {
      const text = await played(block)
      // What was written so far has another length than the page.
      const shift = written.length - page.length
      written = written.slice(0, block.start + shift) + text + written.slice(block.end + shift)
    } else save(block)
  }
  return written
}

/** Runs the commands of a block; its words say how it ends, and what is gone meanwhile. */
async function played({ text, words }: GuideBlock): Promise<string> {
  const gone = words.includes('without') ? words.at(-1) : undefined
  if (gone !== undefined) renameSync(gone, 'gone')
  const exit = Number(/^exits-(\d)$/.exec(words[0] ?? '')?.[1] ?? 0)
  const lines: string[] = []
  for (const command of text.split('\n').filter((line) => line.startsWith('$ keyfold '))) {
    const run = await runInTest(command.split(' ').slice(2), { env: { SCHEMA_REGISTRY_URL: registryUrl } })
    expect(run.code, command).toBe(exit)
    lines.push(command, ...run.out, ...run.err)
  }
  if (gone !== undefined) renameSync('gone', gone)
  return `${lines.join('\n')}\n`
}

function save({ words: [path = ''], text }: GuideBlock): void {
  expect(path, 'a block without the name of its file').not.toBe('')
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

function commit(message: string): void {
  git('add', '.')
  git('commit', '--quiet', '--allow-empty', '-m', message)
}

function git(...args: readonly string[]): void {
  const identity = ['-c', 'user.name=guide', '-c', 'user.email=guide@localhost', '-c', 'commit.gpgsign=false']
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_DIR: undefined }
  execFileSync('git', [...identity, ...args], { cwd: home, env })
}
