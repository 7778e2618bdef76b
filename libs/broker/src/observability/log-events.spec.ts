import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { logEvents } from './log-events.ts'

const libs = new URL('../../../', import.meta.url)

/** Every call of a log in the sources of broker and storage. */
function loggedEvents(): Set<string> {
  const found = new Set<string>()
  for (const lib of ['broker/src/', 'storage/src/']) {
    const folder = new URL(lib, libs)
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.endsWith('.spec.ts')) continue
      const source = readFileSync(new URL(name, folder), 'utf8')
      for (const [, level, event] of source.matchAll(/[lL]og\??\.(info|warn|error)\(\s*'([^']+)'/g)) {
        found.add(`${level} ${event}`)
      }
    }
  }
  return found
}

describe('log events', () => {
  it('are exactly those of the table', () => {
    const known = Object.entries(logEvents).map(([event, { level }]) => `${level} ${event}`)
    expect([...loggedEvents()].sort()).toEqual(known.sort())
  })

  it('are what the README says', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    const rows = Object.entries(logEvents).map(
      ([event, { level, meaning }]) => `| \`${event}\` | ${level} | ${meaning} |`,
    )
    expect(readme).toContain(rows.join('\n'))
  })
})
