import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { metrics } from './metric-table.ts'

describe('the table of metrics', () => {
  it('names base units, and counters _total', () => {
    for (const [name, { type }] of metrics) {
      expect(name).toMatch(/^(keyfold_broker|process)_[a-z_]+$/)
      expect(name).not.toMatch(/_(ms|milliseconds|kb|mb)(_|$)/)
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
    }
  })

  it('is what the README says', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    const rows = metrics.map(
      ([name, { type, labels = [], help }]) => `| \`${name}\` | ${type} | ${labels.join(', ')} | ${help} |`,
    )
    expect(readme).toContain(rows.join('\n'))
  })
})
