import { AvroError, canonicalSchema, fingerprint64, parseSchema, parsingCanonicalForm } from '@keyfold/avro'
import { textOf, type Tree } from './json-tree.ts'
import { SchemaMaker } from './make-schemas.ts'
import { mutated } from './mutate.ts'
import type { Random } from './random.ts'
import type { Comparison } from './compare.ts'

export interface ParseQuestion {
  readonly ask: 'parse'
  readonly schema: string
  readonly references?: readonly string[]
}

/** Texts of schemas: made up, changed ones of the test data, some with other schemas to refer to, some with noise. */
export function parseQuestion(random: Random, corpus: readonly Tree[]): ParseQuestion {
  const tree = random.oneIn(3) ? new SchemaMaker(random).schema() : mutated(random.pick(corpus), random, 3)
  const schema = random.oneIn(10) ? noisy(tree, random) : textOf(tree)
  if (!random.oneIn(6)) return { ask: 'parse', schema }
  const references = Array.from({ length: 1 + random.below(3) }, () => textOf(new SchemaMaker(random).schema()))
  return { ask: 'parse', schema, references }
}

const NOISE = [
  '',
  '',
  '',
  '',
  ' ',
  '\n',
  '\t',
  '\r\n',
  '/* c */',
  '// c\n',
  '/**/',
  ' \u00a0',
  '\u0001',
  '#c\n',
  '\ufeff',
]

function noisy(tree: Tree, random: Random): string {
  const allowed = random.oneIn(2) ? NOISE.slice(0, 10) : NOISE
  const text = textOf(tree, () => (random.oneIn(6) ? random.pick(allowed) : ''))
  if (random.oneIn(4)) return text.slice(0, random.below(text.length))
  return random.oneIn(6) ? text + random.pick(['}', ' x', ',', '\n', '/* c */', '"']) : text
}

export interface ParseAnswer {
  readonly lenient: { readonly error?: string; readonly canonical?: string; readonly inlined?: string }
  readonly strict: { readonly error?: string }
}

export function compareParse({ schema, references = [] }: ParseQuestion, java: ParseAnswer): Comparison {
  const lenient = answerOf(schema, references, false)
  const strict = answerOf(schema, references, true)
  if (lenient === TOO_LARGE || lenient.error === NULL_SYMBOL) return { outcome: 'skipped' }
  const verdicts = { lenient, strict: { refused: 'error' in strict } }
  const expected = {
    lenient: 'error' in java.lenient ? { error: java.lenient.error } : java.lenient,
    strict: { refused: 'error' in java.strict },
  }
  if ('error' in lenient && 'error' in java.lenient && verdicts.strict.refused && expected.strict.refused) {
    return {
      outcome: 'same',
      messages: lenient.error === java.lenient.error ? undefined : [lenient.error ?? '', java.lenient.error ?? ''],
    }
  }
  if (JSON.stringify(verdicts) === JSON.stringify(expected)) {
    const differs = 'error' in strict && strict.error !== java.strict.error
    return { outcome: 'same', messages: differs ? [strict.error ?? '', java.strict.error ?? ''] : undefined }
  }
  return { outcome: 'different', ours: { lenient, strict }, java }
}

/** Avro Java takes an enum symbol that is no text for one without a name; the registries built on it do not. */
const NULL_SYMBOL = 'Null name'
const TOO_LARGE = { error: 'too large' }

function answerOf(schema: string, references: readonly string[], strict: boolean): { error?: string } {
  try {
    const parsed = parseSchema(schema, { strict, references })
    return {
      canonical: canonicalSchema(parsed),
      inlined: canonicalSchema({ root: parsed.root }),
      parsingCanonicalForm: parsingCanonicalForm(parsed),
      fingerprint: fingerprint64(parsed).toString(16),
    } as { error?: string }
  } catch (error) {
    if (!(error instanceof AvroError)) throw error
    return error.code === 'AVRO_SCHEMA_TOO_LARGE' ? TOO_LARGE : { error: error.message }
  }
}
