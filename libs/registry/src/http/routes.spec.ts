import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { ROUTES } from './routes.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

it('the README lists every route, and no other', () => {
  const listed = [...readme.matchAll(/^\| ((?:GET|POST|PUT|DELETE)(?:, \w+)*) \| `(\/[^`]*)` \|/gm)].flatMap(
    ([, methods = '', path]) => methods.split(', ').map((method) => `${method} ${path}`),
  )
  const there = ROUTES.map(({ method, segments }) => {
    const path = segments.map((segment) => (segment.startsWith(':') ? `{${segment.slice(1)}}` : segment)).join('/')
    return `${method} /${path}`
  })
  expect(listed.toSorted()).toEqual(there.toSorted())
  expect(there.length).toBeGreaterThan(35)
})
