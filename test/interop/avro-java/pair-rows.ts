import { checkCompatibility, parseSchema, type ParsedSchema } from '@keyfold/avro'
import type { Comparison } from './compare.ts'
import { textOf, type Tree } from './json-tree.ts'
import { SchemaMaker } from './make-schemas.ts'
import { mutated } from './mutate.ts'
import type { Random } from './random.ts'

export interface PairQuestion {
  readonly ask: 'pair'
  readonly reader: string
  readonly writer: string
}

/** A schema beside a changed version of itself, or any two. Pairs that do not parse are of no use here. */
export function pairQuestion(random: Random, corpus: readonly Tree[]): PairQuestion {
  for (;;) {
    const one = random.oneIn(3) ? new SchemaMaker(random).schema() : mutated(random.pick(corpus), random, 2)
    const other = random.oneIn(8) ? random.pick(corpus) : mutated(one, random, 4)
    const [reader, writer] = random.oneIn(2) ? [textOf(one), textOf(other)] : [textOf(other), textOf(one)]
    if (parsed(reader) && parsed(writer)) return { ask: 'pair', reader, writer }
  }
}

function parsed(text: string): ParsedSchema | undefined {
  try {
    return parseSchema(text)
  } catch {
    return undefined
  }
}

export function comparePair({ reader, writer }: PairQuestion, java: object): Comparison {
  const result = checkCompatibility(parseSchema(reader), parseSchema(writer))
  const details = result.incompatibilities.map(({ type, path, message }) => ({ type, path, message }))
  const { compatible, exception } = result
  const ours = exception === undefined ? { compatible, details } : { exception }
  return JSON.stringify(ours) === JSON.stringify(java) ? { outcome: 'same' } : { outcome: 'different', ours, java }
}
