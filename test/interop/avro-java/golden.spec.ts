import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { KINDS } from './kinds.ts'

interface Row {
  readonly kind: string
  readonly question: object
  readonly answer: object
}

/** What Avro Java 1.12.1 answered; `./run golden` asks it anew, `./run` many more. */
const rows = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8')) as readonly Row[]

it.each(KINDS)('$name: the same as Avro Java for every recorded row', ({ name, compare }) => {
  const ofKind = rows.filter(({ kind }) => kind === name)
  const different = ofKind.filter(({ question, answer }) => compare(question, answer).outcome !== 'same')
  expect(different).toEqual([])
  expect(ofKind.length).toBeGreaterThan(90)
})
