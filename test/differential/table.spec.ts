import { describe, expect, it } from 'vitest'
import { filesBelow, read } from '../tidy/tree.ts'
import { knownDifferences } from './known-differences.ts'

/** docs/broker-differences.md: every row is asserted, and every difference that the script passes over has its row. */
const rows = read('docs/broker-differences.md')
  .split('\n')
  .filter((line) => /^\| (\d|- )/.test(line))
  .map((line) => {
    const [statements = '', kafka = '', ours = '', tests = ''] = line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim())
    const named: readonly string[] = statements.match(/\d+/g) ?? []
    const titles = [...tests.matchAll(/`([^`]+)`/g)].map(([, title = '']) => title)
    return { statements: named, kafka, ours, titles }
  })

const specs = [...filesBelow('libs'), ...filesBelow('test')].filter((path) => path.endsWith('.spec.ts')).map(read)

describe('the table of differences', () => {
  it('has rows', () => {
    expect(rows.length).toBeGreaterThan(30)
  })

  it.each(rows)('is asserted where it says: $kafka', (row) => {
    expect(row.titles).not.toEqual([])
    expect(row.titles.filter((title) => !specs.some((spec) => spec.includes(`'${title}'`)))).toEqual([])
    // A test of another statement would be a slip.
    const strangers = row.titles.filter((title) => {
      const named: readonly string[] = /^statements? ([\d, and]+):/.exec(title)?.[1]?.match(/\d+/g) ?? []
      return row.statements.length > 0 && !named.some((number) => row.statements.includes(number))
    })
    expect(strangers).toEqual([])
  })

  it.each(knownDifferences.map(({ name }) => name))('has the difference that the script passes over: %s', (name) => {
    expect(rows.filter(({ kafka, ours }) => `${kafka} ${ours}`.includes(name))).toHaveLength(1)
  })
})
