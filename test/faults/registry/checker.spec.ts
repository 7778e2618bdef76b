import { describe, expect, it } from 'vitest'
import { violations } from './checker.ts'
import { History, type Registration, type Version } from './history.ts'

const first: Version = { subject: 's', version: 1, id: 1, schema: 'A' }
const second: Version = { subject: 's', version: 2, id: 2, schema: 'B' }

/** A sound run of two registrations, and what a test makes of it. */
function historyWith(change: (history: History) => void): History {
  const history = new History()
  for (const version of [first, second]) history.registrations.push(acknowledged(version))
  history.lookUps.push({ id: 1, schema: 'A' })
  history.log = [first, second]
  history.final = [first, second]
  change(history)
  return history
}

function acknowledged(version: Version): Registration {
  return { client: 1, outcome: 'acknowledged', ...version }
}

const found = (change: (history: History) => void) => violations(historyWith(change)).join('\n')

describe('the checker', () => {
  it('finds nothing in a sound history, whatever became of what was not acknowledged', () => {
    expect(found(() => undefined)).toBe('')
    const unknown: Registration = { client: 1, subject: 's', schema: 'C', outcome: 'unknown' }
    expect(found(({ registrations }) => registrations.push(unknown))).toBe('')
    const third = { subject: 's', version: 3, id: 3, schema: 'C' }
    const carriedOut = (history: History): void => {
      history.registrations.push(unknown)
      history.log = [...history.log, third]
      history.final = [...history.final, third]
    }
    expect(found(carriedOut)).toBe('')
  })

  it.each<readonly [string, RegExp, (history: History) => void]>([
    ['a schema with two ids', /^two ids: A has/, (run) => run.registrations.push(acknowledged({ ...first, id: 7 }))],
    ['an id given twice', /^id reused: 1 is/, ({ lookUps }) => lookUps.push({ id: 1, schema: 'C' })],
    [
      'a version given twice',
      /^version reused: s\/1/m,
      (run) => (run.log = [{ ...first, schema: 'C', id: 9 }, ...run.log]),
    ],
    [
      'a schema that has two versions',
      /^two versions: s A/m,
      (run) => (run.final = [...run.final, { ...first, version: 3 }]),
    ],
    ['an acknowledged schema that is gone', /^forgotten: s\/2/m, (run) => (run.final = [first])],
    ['an id that was not known after all', /^forgotten: 5/m, ({ forgotten }) => forgotten.push('5')],
    ['a gap', /^gap: s has 2/m, (run) => (run.final = [second])],
    ['a record that no registry has applied', /^not applied: s\/2/m, (run) => (run.final = [first])],
    ['a version that is not in the log', /^made up: s\/2 2 is not in the log/m, (run) => (run.log = [first])],
    ['a version that nobody registered', /^made up: nobody registered s\/2/m, (run) => run.registrations.pop()],
  ])('finds %s', (_, expected, change) => {
    expect(found(change)).toMatch(expected)
  })
})
