import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { apiKeysOf } from './18-api-versions.ts'
import { servedApis } from './served.ts'
import { supportTable } from './support-table.ts'

describe('what is served', () => {
  it('is what the README says', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    expect(readme).toContain(supportTable(servedApis))
  })

  it('is in order of key, each once, within its table', () => {
    const keys = servedApis.map(({ api }) => api.key)
    expect(keys).toEqual([...new Set(keys)].toSorted((a, b) => a - b))
    for (const { api, versions } of servedApis) {
      expect(versions[0]).toBeGreaterThanOrEqual(api.versions[0])
      expect(versions[1]).toBeLessThanOrEqual(api.versions[1])
    }
  })

  it('announces Produce from 0 on, and transactions with version 2', () => {
    const announced = new Map(apiKeysOf(servedApis).map(({ apiKey, ...versions }) => [apiKey, versions]))
    expect(announced.get(0)).toEqual({ minVersion: 0, maxVersion: 13 })
    expect(announced.get(26)).toEqual({ minVersion: 0, maxVersion: 5 })
    expect(announced.get(28)).toEqual({ minVersion: 0, maxVersion: 5 })
  })

  it('covers everything that kafkajs 2.2.4 asks for', () => {
    // Highest version that kafkajs implements, by key (its src/protocol/requests); it takes the lower of both maxima.
    const kafkajs = {
      0: 7,
      1: 11,
      2: 3,
      3: 6,
      8: 5,
      9: 4,
      10: 2,
      11: 5,
      12: 3,
      13: 3,
      14: 3,
      15: 2,
      16: 2,
      17: 1,
      18: 2,
      19: 3,
      20: 1,
      21: 1,
      22: 1,
      24: 1,
      25: 1,
      26: 1,
      28: 1,
      29: 1,
      30: 1,
      31: 1,
      32: 2,
      33: 1,
      36: 1,
      37: 1,
      42: 1,
      45: 0,
      46: 0,
    }
    for (const [key, highest] of Object.entries(kafkajs)) {
      const versions = servedApis.find(({ api }) => api.key === Number(key))?.versions
      expect(versions, `API ${key}`).toBeDefined()
      expect(Math.min(highest, versions?.[1] ?? -1), `API ${key}`).toBeGreaterThanOrEqual(versions?.[0] ?? 0)
    }
  })
})
