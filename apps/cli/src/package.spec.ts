import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly files?: readonly string[]
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, { readonly types: string; readonly default: string }>>
  readonly dependencies?: Readonly<Record<string, string>>
}

const manifestAt = (path: string) =>
  JSON.parse(readFileSync(new URL(`../../../${path}/package.json`, import.meta.url), 'utf8')) as Manifest

/** The package of the command, and every package of this workspace that it needs to run. */
function packages(): readonly Manifest[] {
  const found = new Map<string, Manifest>()
  const visit = (manifest: Manifest): void => {
    if (found.has(manifest.name)) return
    found.set(manifest.name, manifest)
    for (const name of Object.keys(manifest.dependencies ?? {}))
      if (name.startsWith('@keyfold/')) visit(manifestAt(`libs/${name.split('/')[1]}`))
  }
  visit(manifestAt('apps/cli'))
  return [...found.values()]
}

describe('npx keyfold, without a project', () => {
  it('is the package of that name, with a command of that name', () => {
    const { name, bin, files } = manifestAt('apps/cli')
    expect({ name, bin }).toEqual({ name: 'keyfold', bin: { keyfold: './bin/keyfold.js' } })
    expect(files).toEqual(expect.arrayContaining(['bin', 'dist']))
  })

  it('needs only packages that can be published, in the version it asks for, with what they export', () => {
    const all = packages()
    expect(all.length).toBeGreaterThan(5)
    const versions = new Map(all.map(({ name, version }) => [name, version]))
    for (const { name, private: isPrivate = false, files, exports = {}, dependencies = {} } of all) {
      expect(isPrivate, name).toBe(false)
      expect(files, name).toContain('dist')
      for (const door of Object.values(exports))
        expect([door.types, door.default].join(), name).toMatch(/^\.\/dist\/.*,\.\/dist\//)
      for (const [dependency, version] of Object.entries(dependencies))
        if (dependency.startsWith('@keyfold/'))
          expect(versions.get(dependency), `${name} needs ${dependency}`).toBe(version)
    }
  })
})
