import type { Damage } from '../operation.ts'
import type { Plan, Script } from '../script.ts'
import { apiNamed } from '../side.ts'
import { askingEpoch, committing, describingConfigs, fetching, listing, producing } from './request-shapes.ts'

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

/** APIs that nobody serves, and versions just beyond those that both serve. */
export const unknownVersion: Plan = (script) => {
  const beyond = [...script.ranges].flatMap(([name, { min, max }]) => [
    [name, max + 1] as const,
    [name, script.one(99, -1, 32_767)] as const,
    // Produce is announced from 0 on, for the sake of old clients.
    ...(min > 0 ? [[name, min - 1] as const] : []),
  ])
  const [name, apiVersion] = script.pick(beyond) ?? ['Metadata', 99]
  const apiKey = script.chance(0.2) ? script.one(999, -1, 4, 5, 6, 7, 32_767) : apiNamed(name).key
  const api = { name: 'ApiVersions', version: 0, request: {} }
  return bad(script, `key ${apiKey} version ${apiVersion}`, api, { kind: 'key or version', apiKey, apiVersion })
}

/** Requests that only ask, whatever is broken in them. */
const ASKING: readonly (readonly [string, number, (script: Script) => unknown])[] = [
  ['Metadata', 12, () => ({ topics: [{ name: 'no-such-topic' }] })],
  ['Heartbeat', 4, () => ({ groupId: 'g', generationId: 1, memberId: 'm' })],
  ['ListOffsets', 11, () => listing('no-such-topic')],
  // Before sessions: Kafka fails at an id of one that is out of its range.
  ['Fetch', 6, () => fetching({ topic: 'no-such-topic' })],
  ['Produce', 12, (script) => producing({ name: 'no-such-topic' }, script.nowMs)],
  ['OffsetForLeaderEpoch', 4, () => askingEpoch('no-such-topic')],
  ['OffsetCommit', 9, () => committing({ name: 'no-such-topic' })],
  ['DescribeConfigs', 4, () => describingConfigs(2, 'no-such-topic', ['retention.ms'])],
  ['DescribeGroups', 6, () => ({ groups: ['no-such-group'] })],
  ['FindCoordinator', 3, () => ({ key: 'g', keyType: 0 })],
]

export const brokenBody: Plan = (script) => {
  const [name, max, make] = script.pick(ASKING) ?? ASKING[0] ?? ['Metadata', 12, () => ({})]
  const version = script.version(name, { max })
  if (version === undefined) return undefined
  const damage = script.one<Damage>(
    { kind: 'cut', bytes: script.between(1, 6) },
    { kind: 'append', bytes: script.between(1, 6) },
    { kind: 'int32', at: script.between(26, 60), value: script.one(0x7f_ff_ff_ff, -2, -2_147_483_648) },
    { kind: 'int32', at: 0, value: -5 },
    { kind: 'int32', at: 0, value: 0x7f_ff_ff_ff },
  )
  return bad(script, `${name} ${JSON.stringify(damage)}`, { name, version, request: make(script) }, damage)
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
