import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesBelow, importsOf, isTest, read, ROOT } from './tidy/tree.ts'

/** Which libs a lib's sources may import; a lib that is not here may not exist. docs/STYLE.md says why. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  protocol: ['bytes'],
  storage: ['bytes', 'protocol'],
  broker: ['bytes', 'protocol', 'storage'],
  avro: ['bytes'],
  kafka: ['bytes', 'protocol'],
  registry: ['bytes', 'avro', 'kafka'],
  eventsourcing: [],
  'event-store': ['bytes', 'avro', 'kafka', 'eventsourcing'],
  projections: ['avro', 'kafka', 'eventsourcing', 'event-store'],
  testing: [
    'bytes',
    'protocol',
    'storage',
    'broker',
    'avro',
    'kafka',
    'registry',
    'eventsourcing',
    'event-store',
    'projections',
  ],
  nest: ['avro', 'kafka', 'eventsourcing', 'event-store', 'projections', 'broker', 'registry'],
}

/** Where `node:` may be imported outside apps and tests: the rims. */
const NODE_ALLOWED = [
  /^libs\/storage\/src\/files\//,
  /^libs\/broker\/src\/(server|embedded)\//,
  /^libs\/registry\/src\/http\//,
  /^libs\/kafka\/src\//,
  /^libs\/event-store\/src\/(registry-client|ids)\.ts$/,
  /^libs\/event-store\/src\/state\/sqlite-/,
  /^libs\/event-store\/src\/ownership\/peers\//,
  /^libs\/projections\/src\/stores\//,
  /^libs\/nest\/src\/(reads|commands|context|operations)\//,
  /^libs\/testing\/src\//,
]

/** Files above 400 lines that are not tables. The list may only get shorter. */
const LARGE_FILES: readonly string[] = []
const LINES_MAX = 400

/** What clients may rely on of the broker, by number. 92 to 95 (security) come later. */
const STATEMENTS = [...Array.from({ length: 91 }, (_, index) => index + 1), 96]

const README_HEADINGS = ['Is for', 'Is not for', 'Start here', 'Invariants', 'Not done yet']

const sources = [...filesBelow('libs'), ...filesBelow('apps')].filter(
  (path) => path.endsWith('.ts') && path.includes('/src/') && !path.includes('/generated/'),
)
const production = sources.filter((path) => !isTest(path))
const documents = [
  ...filesBelow('docs'),
  ...[...filesBelow('libs'), ...filesBelow('apps'), ...filesBelow('test')].filter((path) => path.endsWith('README.md')),
  'README.md',
  'ARCHITECTURE.md',
].filter((path) => path.endsWith('.md'))

describe('the house is tidy', () => {
  it('looked at something', () => {
    expect(production.length).toBeGreaterThan(100)
    expect(documents.length).toBeGreaterThan(10)
  })

  it('libs import only the layers below them', () => {
    const offences = production.flatMap((path) => {
      const lib = /^libs\/([^/]+)\//.exec(path)?.[1]
      if (lib === undefined) return []
      const allowed = LAYERS[lib] ?? []
      return importsOf(read(path))
        .filter((specifier) => specifier.startsWith('@keyfold/'))
        .map((specifier) => specifier.split('/')[1] ?? '')
        .filter((target) => target !== lib && !allowed.includes(target))
        .map((target) => `${path} imports ${target}`)
    })
    expect(offences).toEqual([])
    expect(Object.keys(LAYERS).sort()).toEqual(
      [...new Set(filesBelow('libs').map((path) => path.split('/')[1]))].sort(),
    )
  })

  it('nothing reaches into another package by path', () => {
    const offences = sources.filter((path) =>
      importsOf(read(path)).some((specifier) => {
        if (!specifier.startsWith('.')) return false
        const target = normalize(join(dirname(path), specifier))
        return target.split('/').slice(0, 2).join('/') !== path.split('/').slice(0, 2).join('/')
      }),
    )
    expect(offences).toEqual([])
  })

  it('node: is imported at the rims only', () => {
    const offences = production.filter(
      (path) =>
        path.startsWith('libs/') &&
        !NODE_ALLOWED.some((allowed) => allowed.test(path)) &&
        importsOf(read(path)).some((specifier) => specifier.startsWith('node:')),
    )
    expect(offences).toEqual([])
  })

  it('files have names that say what they hold, and stay a page', () => {
    const names = sources.filter((path) => /(^|\/)(utils?|helpers?|common|misc)(\.|\/|-)/.test(path))
    expect(names).toEqual([])
    const unusual = sources.filter((path) => !/\/[a-z0-9]+(-[a-z0-9]+)*(\.[a-z-]+)*\.ts$/.test(path))
    expect(unusual).toEqual([])
    const large = production.filter((path) => read(path).split('\n').length > LINES_MAX && !isTable(path))
    expect(large).toEqual(LARGE_FILES)
  })

  it('every package opens one door: named re-exports in index.ts', () => {
    const doors = sources.filter((path) => /^libs\/[^/]+\/src\/index\.ts$/.test(path))
    expect(doors).toHaveLength(Object.keys(LAYERS).length)
    expect(sources.filter((path) => /^export \*/m.test(read(path)))).toEqual([])
  })

  it('every handler of the broker says its versions, behaviour and what is not done', () => {
    const handlers = filesBelow('libs/broker/src/handlers').filter((path) => /\/\d+-[a-z-]+\.ts$/.test(path))
    expect(handlers.length).toBeGreaterThan(25)
    const silent = handlers.filter((path) =>
      ['Behaviour', 'Versions', 'Not done'].some((word) => !read(path).includes(word)),
    )
    expect(silent).toEqual([])
  })

  it('every statement about the broker has a test that names it', () => {
    const tests = [...filesBelow('libs'), ...filesBelow('test')].filter((path) => path.endsWith('.spec.ts'))
    const titles = tests.flatMap((path) => [...read(path).matchAll(/['"`]statements? (\d+(?:(?:, | and )\d+)*):/g)])
    const named = new Set(titles.flatMap(([, numbers = '']) => numbers.split(/, | and /).map(Number)))
    expect(STATEMENTS.filter((number) => !named.has(number))).toEqual([])
  })

  it('every lib has a README with the five headings', () => {
    const offences = Object.keys(LAYERS).flatMap((lib) => {
      const path = `libs/${lib}/README.md`
      const text = existsSync(join(ROOT, path)) ? read(path) : ''
      return README_HEADINGS.filter((heading) => !text.includes(`## ${heading}`)).map(
        (heading) => `${path}: ${heading}`,
      )
    })
    expect(offences).toEqual([])
  })

  it('every runtime dependency has its reason in a README', () => {
    const offences = Object.keys(LAYERS).flatMap((lib) => {
      const manifest = JSON.parse(read(`libs/${lib}/package.json`)) as Record<
        string,
        Record<string, string> | undefined
      >
      const names = [manifest['dependencies'], manifest['optionalDependencies'], manifest['peerDependencies']]
        .flatMap((group) => Object.keys(group ?? {}))
        .filter((name) => !name.startsWith('@keyfold/'))
      const readme = read(`libs/${lib}/README.md`)
      return names.filter((name) => !readme.includes(`\`${name}\``)).map((name) => `libs/${lib}: ${name}`)
    })
    expect(offences).toEqual([])
  })

  it('decision records are numbered once each', () => {
    const records = filesBelow('docs/decisions').map((path) => path.split('/').at(-1) ?? '')
    expect(records.filter((name) => !/^\d{4}-[a-z0-9-]+\.md$/.test(name))).toEqual([])
    const numbers = records.map((name) => name.slice(0, 4))
    expect(numbers.length).toBeGreaterThan(0)
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  it('links in the documents lead somewhere', () => {
    const broken = documents.flatMap((path) =>
      [...read(path).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(ROOT, dirname(path), target)))
        .map((target) => `${path}: ${target}`),
    )
    expect(broken).toEqual([])
  })

  it('no test is focused, skipped or unfinished', () => {
    const tests = [...sources, ...filesBelow('test')].filter(
      (path) => path.endsWith('.spec.ts') && !path.endsWith('tidy.spec.ts'),
    )
    expect(tests.filter((path) => /\b(it|describe|test)\.(only|todo|skip)\(/.test(read(path)))).toEqual([])
  })
})

/** Tables may be long: they are read by looking something up. */
function isTable(path: string): boolean {
  return /\/(apis\/\d+-[a-z-]+|kafka-error|topic-configs|broker-config)\.ts$/.test(path)
}
