import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runInTest } from '../../apps/cli/src/testing/test-world.ts'
import { type BankProcess, startBank } from '../bank-process.ts'
import { ROOT } from '../tidy/tree.ts'
import { type GuideBlock, guideBlocks } from './guide-blocks.ts'

const GUIDE = 'docs/guides/how-to/rebuild-a-read-model.md'

let directory: string
let bank: BankProcess

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyfold-guide-'))
  bank = await startBank(directory)
  for (const accountId of ['alice', 'bob', 'carol']) {
    await post('/accounts', { accountId, owner: accountId })
    await post(`/accounts/${accountId}/deposits`, { amount: '1.00' })
  }
})

afterAll(async () => {
  await bank.stop()
  await rm(directory, { recursive: true })
})

it(`${GUIDE} shows what its commands come to, one after the other`, async () => {
  const page = await readFile(join(ROOT, GUIDE), 'utf8')
  const blocks = guideBlocks(page).filter(({ language }) => language === 'console')
  expect(blocks).toHaveLength(10)
  let held: Promise<void> | undefined
  for (const block of blocks)
    if (block.words.includes('held')) held = play(block)
    // What is held is ready some time after it was asked for, and not before.
    else if (block.text.includes(' swap ')) await expect.poll(() => play(block).then(() => true)).toBe(true)
    else {
      await held
      await play(block)
    }
})

/** Runs the commands of a block. Where it shows what they print, they print it, but for times and rates. */
async function play({ text }: GuideBlock): Promise<void> {
  const lines = text.split('\n').filter((line) => line !== '')
  const printed: string[] = []
  for (const command of lines.filter((line) => line.startsWith('$ '))) {
    const [program, ...words] = command.split(' ').slice(1)
    printed.push(...(program === 'curl' ? await curl(words) : await keyfold(words)))
  }
  const shown = lines.filter((line) => !line.startsWith('$ '))
  if (shown.length > 0) expect(timeless(printed)).toEqual(timeless(shown))
}

async function keyfold(words: readonly string[]): Promise<readonly string[]> {
  const run = await runInTest([...words, '--app-url', bank.bankUrl])
  expect(run.code, `keyfold ${words.join(' ')}: ${run.err.join('\n')}`).toBe(0)
  return run.out
}

async function curl(words: readonly string[]): Promise<readonly string[]> {
  const { pathname } = new URL(words.at(-1) ?? '')
  const answer = await fetch(`${bank.bankUrl}${pathname}`, { method: words.includes('POST') ? 'POST' : 'GET' })
  const lines = (await answer.text()).trim().split('\n')
  expect([answer.status, lines.at(-1)]).toEqual([200, expect.not.stringContaining('"problem"')])
  return lines
}

function timeless(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line !== '').map((line) => line.replace(/ in .* \(.*\/s\)/, ' in <time>'))
}

async function post(path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${bank.bankUrl}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(answer.ok, path).toBe(true)
}
