import { readFileSync } from 'node:fs'
import type { Comparison } from './compare.ts'
import { type Tree, treeOf } from './json-tree.ts'
import { compareLogical, type LogicalQuestion, logicalQuestion } from './logical-rows.ts'
import { notable } from './notable.ts'
import { comparePair, type PairQuestion, pairQuestion } from './pair-rows.ts'
import { compareParse, type ParseAnswer, type ParseQuestion, parseQuestion } from './parse-rows.ts'
import type { Random } from './random.ts'
import { compareRead, type ReadQuestion, readQuestion } from './read-rows.ts'

/** One kind of question, and what its answers are compared with. */
export interface Kind<Question extends object = object, Answer = object> {
  readonly name: string
  readonly ask: (random: Random, corpus: readonly Tree[]) => Question
  readonly compare: (question: Question, answer: Answer) => Comparison
  /** Questions that are always asked. */
  readonly always?: readonly Question[]
}

export const KINDS = [
  { name: 'parse', ask: parseQuestion, compare: compareParse, always: notable } satisfies Kind<
    ParseQuestion,
    ParseAnswer
  >,
  { name: 'pair', ask: pairQuestion, compare: comparePair } satisfies Kind<PairQuestion>,
  { name: 'read', ask: readQuestion, compare: compareRead } satisfies Kind<ReadQuestion, { value?: unknown }>,
  { name: 'logical', ask: logicalQuestion, compare: compareLogical } satisfies Kind<
    LogicalQuestion,
    { value?: unknown }
  >,
] as readonly Kind[]

/** Every schema of the library's test data. */
export function corpus(): readonly Tree[] {
  const texts = new Set<string>()
  for (const { schema } of rowsOf('avro-canonical.json')) texts.add(schema as string)
  for (const { reader, writer } of rowsOf('avro-compatibility.json')) {
    for (const schema of [reader, writer]) texts.add(JSON.stringify(schema))
  }
  for (const { schema } of rowsOf('avro-parse.json')) texts.add(schema as string)
  return [...texts].filter(isJson).map(treeOf)
}

const testdata = new URL('../../../libs/avro/src/testdata/', import.meta.url)

function rowsOf(file: string): readonly Record<string, unknown>[] {
  return JSON.parse(readFileSync(new URL(file, testdata), 'utf8')) as Record<string, unknown>[]
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
