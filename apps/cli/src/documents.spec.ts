import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { commands } from './commands.ts'
import { envelopeSchemaText, referenceText } from './documents.ts'
import { explainedCodes, explanationOf } from './explain-error.ts'
import { buildProgram } from './run-cli.ts'
import { TestWorld } from './testing/test-world.ts'

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const marks = ['<!-- commands -->\n\n', '\n\n<!-- /commands -->'] as const

/** `vitest run apps/cli/src/documents.spec.ts -u` writes both files anew. */
describe('the documents of the command line', () => {
  it('README.md has every command and exit code as they are', async () => {
    const readme = await readFile(path('README.md'), 'utf8')
    const [before, rest = ''] = readme.split(marks[0])
    const [, after] = rest.split(marks[1])
    if (after === undefined) throw new Error('README.md has no marks around its tables')
    await expect(`${before}${marks[0]}${referenceText()}${marks[1]}${after}`).toMatchFileSnapshot(path('README.md'))
  })

  it('generated/envelope.schema.json is the schema of what is printed', async () => {
    await expect(envelopeSchemaText()).toMatchFileSnapshot(path('generated/envelope.schema.json'))
  })

  it('every example is a command line that can be read', async () => {
    const examples = commands.flatMap(({ examples: lines }) => lines.map(([line]) => line))
    expect(examples.length).toBeGreaterThanOrEqual(commands.length)
    for (const example of examples) {
      const words = [...example.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word = '']) => quoted ?? word)
      const read: string[] = []
      const program = buildProgram(new TestWorld(), {
        run: async (definition) => void read.push(definition.path),
        misused: (error) => expect.unreachable(`${example}: ${error.message}`),
      })
      await program.parseAsync(words.slice(1), { from: 'user' })
      expect(
        words
          .slice(1)
          .join(' ')
          .startsWith(read[0] ?? 'nothing'),
      ).toBe(true)
    }
  })

  it('every command says how to be used and what it answers', () => {
    for (const { path: words, summary, data, examples } of commands) {
      expect(summary, words).toMatch(/^[a-z].*[^.]$/)
      expect(examples.length, words).toBeGreaterThan(0)
      expect(data, words).toHaveProperty('type')
    }
  })

  it('every error says why and what to do', () => {
    expect(explainedCodes.length).toBeGreaterThan(40)
    for (const code of explainedCodes) {
      const row = explanationOf(code)
      expect(row?.why, code).toMatch(/^[A-Z].*[^.]$/)
      expect(row?.fix, code).toMatch(/^[A-Z].*[^.]$/)
    }
  })
})
