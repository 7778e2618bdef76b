import type { Damage } from '../operation.ts'
import type { Plan, Script } from '../script.ts'

/** Each on a connection of its own, because most end it. */
function bad(script: Script, title: string, api: { name: string; version: number; request: unknown }, damage: Damage) {
  return {
    operation: {
      title: `bad request: ${title}`,
      api: api.name,
      version: api.version,
      connection: script.fresh('bad-'),
      about: [],
      request: api.request,
      damage,
    },
  }
}

export const unknownVersion: Plan = (script) => {
  const versions: readonly (readonly [number, number])[] = [
    [999, 0],
    [-1, 0],
    [4, 0],
    [0, 99],
    [1, 3],
    [3, 14],
    [11, 10],
    [18, 77],
    [18, -1],
    [19, 1],
    [22, 99],
  ]
  const [apiKey, apiVersion] = script.pick(versions) ?? [999, 0]
  const api = { name: 'ApiVersions', version: 0, request: {} }
  return bad(script, `key ${apiKey} version ${apiVersion}`, api, { kind: 'key or version', apiKey, apiVersion })
}

export const brokenBody: Plan = (script) => {
  const metadata = {
    name: 'Metadata',
    version: script.between(0, 12),
    request: { topics: [{ name: 'no-such-topic' }] },
  }
  const heartbeat = {
    name: 'Heartbeat',
    version: script.between(0, 4),
    request: { groupId: 'g', generationId: 1, memberId: 'm' },
  }
  const api = script.one<typeof metadata | typeof heartbeat>(metadata, heartbeat)
  const damage = script.one<Damage>(
    { kind: 'cut', bytes: script.between(1, 6) },
    { kind: 'int32', at: script.between(30, 40), value: 0x7f_ff_ff_ff },
    { kind: 'int32', at: 0, value: -5 },
    { kind: 'int32', at: 0, value: 0x7f_ff_ff_ff },
  )
  return bad(script, `${api.name} ${JSON.stringify(damage)}`, api, damage)
}

export const badClientSoftware: Plan = (script) => {
  const version = script.version('ApiVersions', { min: 3 })
  if (version === undefined) return undefined
  const clientSoftwareName = script.one('', '-x', 'a b', 'good')
  return {
    operation: {
      title: `client software ${JSON.stringify(clientSoftwareName)}`,
      api: 'ApiVersions',
      version,
      connection: script.fresh('bad-'),
      about: [],
      request: { clientSoftwareName, clientSoftwareVersion: script.one('1.0', '1', '-') },
    },
  }
}
