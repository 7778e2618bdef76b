import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { apiByKey, apis } from './apis.ts'

describe('the tables', () => {
  it('have every key once, in order', () => {
    const keys = apis.map(({ key }) => key)
    expect(keys).toEqual([...new Set(keys)].sort((left, right) => left - right))
    for (const api of apis) expect(apiByKey(api.key)).toBe(api)
    expect(apiByKey(4)).toBeUndefined()
  })

  it('each live in the file of their number and name', () => {
    const files = apis.map(({ key, name }) => {
      const kebab = name.replaceAll(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()
      return `${String(key).padStart(2, '0')}-${kebab}.ts`
    })
    expect(readdirSync(new URL('apis', import.meta.url)).sort()).toEqual(files.sort())
  })

  it('announce what they can decode; Produce alone announces more (KAFKA-18659)', () => {
    for (const { name, versions, advertised } of apis) {
      expect(versions[0]).toBeLessThanOrEqual(versions[1])
      expect(advertised).toEqual(name === 'Produce' ? [0, versions[1]] : versions)
    }
  })

  it('become flexible within or before their versions, or never', () => {
    const never = apis.filter(({ flexible }) => flexible === null).map(({ name }) => name)
    expect(never).toEqual(['SaslHandshake', 'OffsetDelete'])
    for (const { flexible, versions } of apis) expect(flexible ?? 0).toBeLessThanOrEqual(versions[1])
  })
})
