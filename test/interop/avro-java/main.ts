import { writeFileSync } from 'node:fs'
import { Tally } from './compare.ts'
import { AvroJava } from './java.ts'
import { corpus, type Kind, KINDS } from './kinds.ts'
import { Random } from './random.ts'

/**
 * Asks `@keyfold/avro` and Avro Java the same questions, which a seed makes, and tells where they differ. `golden` writes
 * some of them with Java's answers into a file, for the test that needs no Java.
 */
const [classpath = '', only] = process.argv.slice(2)
const seed = Number(process.env['KEYFOLD_SEED'] ?? (only === 'golden' ? 1 : Date.now() % 1_000_000))
const rows = Number(process.env['KEYFOLD_AVRO_ROWS'] ?? (only === 'golden' ? 100 : 5000))

const trees = corpus()
const java = new AvroJava(classpath)

async function rowsOf(kind: Kind): Promise<{ question: object; answer: object }[]> {
  const random = new Random(seed)
  const questions = [...(kind.always ?? []), ...Array.from({ length: rows }, () => kind.ask(random, trees))]
  const answers = await java.ask<object>(questions)
  return questions.map((question, index) => ({ question, answer: answers[index] ?? {} }))
}

async function compareAll(): Promise<void> {
  console.log(`seed ${seed}, ${rows} rows of each kind`)
  let passed = 0
  let failed = 0
  for (const kind of KINDS.filter(({ name }) => only === undefined || name === only)) {
    const tally = new Tally(kind.name)
    for (const { question, answer } of await rowsOf(kind)) tally.add(question, kind.compare(question, answer))
    console.log(tally.report(process.env['KEYFOLD_MESSAGES'] !== undefined))
    failed += tally.different
    passed += tally.same
  }
  console.log(`${passed} passed, ${failed} failed, 0 skipped`)
  process.exitCode = failed === 0 ? 0 : 1
}

async function writeGolden(): Promise<void> {
  const lines: string[] = []
  for (const kind of KINDS) {
    for (const row of await rowsOf(kind)) {
      if (kind.compare(row.question, row.answer).outcome === 'skipped') continue
      lines.push(JSON.stringify({ kind: kind.name, ...row }))
    }
  }
  writeFileSync(new URL('golden.json', import.meta.url), `[\n${lines.join(',\n')}\n]\n`)
  console.log(`${lines.length} rows written`)
}

await (only === 'golden' ? writeGolden() : compareAll())
await java.close()
