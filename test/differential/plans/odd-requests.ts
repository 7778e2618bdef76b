import type { Plan, Script } from '../script.ts'
import {
  acl,
  aclFilter,
  askingEpoch,
  committing,
  deletingRecords,
  deletingTopic,
  describingConfigs,
  describingProducers,
  describingTopic,
  electing,
  fetching,
  fetchingOffsets,
  growing,
  listing,
  nobodys,
  producing,
} from './request-shapes.ts'

/** A request in good form that asks for what cannot be. None of them changes anything. */
export const oddRequest: Plan = (script) => {
  const [api, what, make, versions = {}] = script.pick(ODDITIES) ?? NOTHING_ODD
  const version = script.version(api, versions)
  if (version === undefined) return undefined
  const request = make(script, version)
  return { operation: { title: `odd request: ${what}`, api, version, connection: 'odd', about: [], request } }
}

type Oddity = readonly [
  api: string,
  what: string,
  make: (script: Script, version: number) => Readonly<Record<string, unknown>>,
  versions?: { readonly min?: number; readonly max?: number },
]

const NOTHING_ODD: Oddity = ['DescribeCluster', 'nothing', () => ({})]

const wrongName = (s: Script) => s.one('', '.', '..', 'a b', 'ä', 'x'.repeat(250), 'no-such-topic')
const wrongPartition = (s: Script) => s.one(-1, -2_147_483_648, 2_147_483_647, 99)
const known = (s: Script) => s.pick(s.topics)?.name ?? 'no-such-topic'
const wrongId = (s: Script) => s.one<unknown>({ $: 'topicId', of: 'nothing' }, 'AAAAAAAAAAAAAAAAAAAAAA')
const stranger = (s: Script) => s.one('', 'nobody')
const group = (s: Script) => s.one('', 'odd')

const NAMES: readonly Oddity[] = [
  ['ListOffsets', 'name', (s) => listing(wrongName(s))],
  ['OffsetForLeaderEpoch', 'name', (s) => askingEpoch(wrongName(s))],
  ['DeleteRecords', 'name', (s) => deletingRecords(wrongName(s))],
  ['DescribeProducers', 'name', (s) => describingProducers(wrongName(s))],
  ['CreatePartitions', 'name', (s) => growing([{ name: wrongName(s) }])],
  ['DeleteTopics', 'name', (s) => ({ topicNames: [wrongName(s)], timeoutMs: 1_000 }), { max: 5 }],
  ['DeleteTopics', 'name', (s) => deletingTopic({ name: wrongName(s) }), { min: 6 }],
  // Not the empty one, at which Kafka fails as a whole.
  ['DescribeTopicPartitions', 'name', (s) => describingTopic(s.one('.', 'a b', 'no-such-topic'))],
  ['DescribeConfigs', 'name', (s) => describingConfigs(2, wrongName(s), ['retention.ms'])],
  ['Fetch', 'name', (s) => fetching({ topic: wrongName(s) }), { max: 12 }],
  ['Produce', 'name', (s) => producing({ name: wrongName(s) }, s.nowMs), { min: 3, max: 12 }],
  ['OffsetCommit', 'name', (s) => committing({ name: wrongName(s) }), { max: 9 }],
  ['OffsetFetch', 'name', (s) => fetchingOffsets(wrongName(s)), { max: 7 }],
  ['OffsetDelete', 'name', (s) => committing({ name: wrongName(s) })],
  ['ElectLeaders', 'name', (s) => electing(wrongName(s))],
]

const PARTITIONS: readonly Oddity[] = [
  ['ListOffsets', 'partition', (s) => listing(known(s), { partitionIndex: wrongPartition(s) })],
  ['OffsetForLeaderEpoch', 'partition', (s) => askingEpoch(known(s), { partition: wrongPartition(s) })],
  ['DeleteRecords', 'partition', (s) => deletingRecords(known(s), { partitionIndex: wrongPartition(s) })],
  ['DescribeProducers', 'partition', (s) => describingProducers(known(s), wrongPartition(s))],
  ['Fetch', 'partition', (s) => fetching({ topic: known(s) }, { partition: wrongPartition(s) }), { max: 12 }],
  ['OffsetFetch', 'partition', (s) => fetchingOffsets(known(s), wrongPartition(s)), { max: 7 }],
  [
    'OffsetCommit',
    'partition',
    (s) => committing({ name: known(s) }, { partitionIndex: wrongPartition(s) }),
    { max: 9 },
  ],
  ['ElectLeaders', 'partition', (s) => electing(known(s), wrongPartition(s))],
]

const NUMBERS: readonly Oddity[] = [
  ['Fetch', 'offset', (s) => fetching({ topic: known(s) }, { fetchOffset: s.one(-1, -2, -5, 2 ** 52) }), { max: 12 }],
  ['Fetch', 'bytes of one', (s) => fetching({ topic: known(s) }, { partitionMaxBytes: s.one(-1, -9) }), { max: 12 }],
  ['Fetch', 'bytes', (s) => fetching({ topic: known(s) }, {}, { maxBytes: s.one(-1, -9) }), { max: 12 }],
  ['Fetch', 'waiting time', (s) => fetching({ topic: known(s) }, {}, { minBytes: 1, maxWaitMs: -5 }), { max: 12 }],
  ['Fetch', 'fetched epoch', (s) => fetching({ topic: known(s) }, { lastFetchedEpoch: -7 }), { min: 12, max: 12 }],
  ['ListOffsets', 'time', (s) => listing(known(s), { timestamp: s.one(-100, -2_147_483_649) })],
  ['DeleteRecords', 'offset', (s) => deletingRecords(known(s), { offset: s.one(-2, -100) })],
  ['OffsetForLeaderEpoch', 'epoch', (s) => askingEpoch(known(s), { leaderEpoch: s.one(-2, -100) })],
  ['DescribeTopicPartitions', 'limit', (s) => describingTopic(known(s), { responsePartitionLimit: s.one(0, -1) })],
]

const KINDS: readonly Oddity[] = [
  ['Fetch', 'isolation', (s) => fetching({ topic: known(s) }, {}, { isolationLevel: s.one(2, 7) }), { max: 12 }],
  ['ListOffsets', 'isolation', (s) => listing(known(s), {}, { isolationLevel: s.one(2, 7) }), { min: 2 }],
  ['FindCoordinator', 'type', (s) => ({ keyType: s.one(3, 99, -1), key: 'odd' }), { min: 1, max: 3 }],
  ['FindCoordinator', 'type', (s) => ({ keyType: s.one(3, 99, -1), coordinatorKeys: ['odd'] }), { min: 4 }],
  ['FindCoordinator', 'key', (s) => ({ keyType: s.one(0, 1), key: '' }), { min: 1, max: 3 }],
  [
    'FindCoordinator',
    'keys',
    (s) => ({ keyType: 0, coordinatorKeys: s.one<unknown>([], ['', 'a'], ['a', 'a']) }),
    { min: 4 },
  ],
  ['DescribeConfigs', 'type', (s) => describingConfigs(s.one(0, 5, 64, 127), known(s), [])],
  ['DescribeConfigs', 'broker', (s) => describingConfigs(4, s.one('99', 'one', '-1'), ['log.retention.ms'])],
  ['ListConfigResources', 'type', (s) => ({ resourceTypes: [s.one(0, 1, 64, 127)] }), { min: 1 }],
  ['ElectLeaders', 'type', (s) => electing(known(s), 0, { electionType: s.one(2, 9) }), { min: 1 }],
  [
    'ListTransactions',
    'pattern',
    () => ({ stateFilters: [], producerIdFilters: [], transactionalIdPattern: '(' }),
    { min: 2 },
  ],
]

const IDS: readonly Oddity[] = [
  ['Fetch', 'topic id', (s) => fetching({ topicId: wrongId(s) }), { min: 13 }],
  ['Produce', 'topic id', (s) => producing({ topicId: wrongId(s) }, s.nowMs), { min: 13 }],
  ['OffsetCommit', 'topic id', (s) => committing({ topicId: wrongId(s) }), { min: 10 }],
  ['Metadata', 'topic id', (s) => ({ topics: [{ name: known(s), topicId: wrongId(s) }] }), { min: 12 }],
  ['DeleteTopics', 'topic id', (s) => deletingTopic({ name: s.one(null, 'no'), topicId: wrongId(s) }), { min: 6 }],
]

const TWICE: readonly Oddity[] = [
  ['ListOffsets', 'twice', (s) => ({ ...listing(known(s)), topics: twice(listing(known(s)).topics) })],
  ['DescribeConfigs', 'twice', (s) => ({ resources: twice(describingConfigs(2, known(s), []).resources) })],
  ['CreatePartitions', 'twice', (s) => growing(twice([{ name: known(s) }]))],
  ['CreatePartitions', 'brokers', (s) => growing([{ name: known(s), assignments: [{ brokerIds: [s.one(1, 99)] }] }])],
  ['DeleteGroups', 'twice', () => ({ groupsNames: ['no-such-group', 'no-such-group'] })],
  ['DescribeGroups', 'no group', (s) => ({ groups: s.one<unknown>([], [''], ['no', 'no']) })],
  ['ConsumerGroupDescribe', 'no group', (s) => ({ groupIds: s.one<unknown>([], [''], ['no', 'no']) })],
  ['Produce', 'nothing', (s) => ({ ...producing({}, s.nowMs), topicData: [] }), { min: 3 }],
  ['CreateTopics', 'nothing', () => ({ topics: [], timeoutMs: 1_000, validateOnly: true })],
  ['DescribeTransactions', 'no id', (s) => ({ transactionalIds: s.one<unknown>([], [''], ['no', 'no']) })],
]

const STRANGERS: readonly Oddity[] = [
  ['OffsetCommit', 'no group', (s) => committing({ name: known(s) }, {}, { groupId: '' }), { max: 9 }],
  [
    'OffsetCommit',
    'stranger',
    (s) => committing({ name: known(s) }, {}, { generationIdOrMemberEpoch: s.one(-2, 7), memberId: stranger(s) }),
    { max: 9 },
  ],
  [
    'SyncGroup',
    'stranger',
    (s) => ({ groupId: group(s), generationId: 0, memberId: stranger(s), assignments: [] }),
    { max: 4 },
  ],
  ['Heartbeat', 'stranger', (s) => ({ groupId: group(s), generationId: s.one(-1, 0), memberId: stranger(s) })],
  ['LeaveGroup', 'stranger', (s) => ({ groupId: group(s), memberId: stranger(s) }), { max: 2 }],
  ['LeaveGroup', 'strangers', (s) => ({ groupId: group(s), members: twice([{ memberId: stranger(s) }]) }), { min: 3 }],
  ['EndTxn', 'nobody', (s) => nobodys({ transactionalId: stranger(s), committed: true })],
  ['AddOffsetsToTxn', 'nobody', (s) => nobodys({ transactionalId: stranger(s), groupId: group(s) })],
  ['TxnOffsetCommit', 'nobody', (s) => nobodys(committing({ name: known(s) }, { committedMetadata: '' })), { max: 4 }],
  [
    'ConsumerGroupHeartbeat',
    'nobody',
    (s) => ({ groupId: group(s), memberId: stranger(s), memberEpoch: s.one(3, -1) }),
  ],
]

/** What a broker without security says, and one without quotas. */
const SECURITY: readonly Oddity[] = [
  ['SaslHandshake', 'no SASL', (s) => ({ mechanism: s.one('PLAIN', '') })],
  ['SaslAuthenticate', 'no SASL', () => ({ authBytes: Buffer.alloc(0) })],
  ['DescribeAcls', 'no authorizer', () => aclFilter],
  ['CreateAcls', 'no authorizer', () => ({ creations: [acl] })],
  ['DeleteAcls', 'no authorizer', () => ({ filters: [aclFilter] })],
  ['DescribeUserScramCredentials', 'nobody', (s) => ({ users: s.one([{ name: 'no' }], [{ name: '' }]) })],
  ['DescribeUserScramCredentials', 'twice', () => ({ users: twice([{ name: 'no' }]) })],
  [
    'AlterUserScramCredentials',
    'nobody',
    (s) => ({ deletions: [{ name: stranger(s), mechanism: s.one(0, 1, 9) }], upsertions: [] }),
  ],
  [
    'DescribeClientQuotas',
    'entity',
    (s) => ({
      components: [{ entityType: s.one('user', 'no', ''), matchType: s.one(0, 1, 2, 9), match: 'x' }],
      strict: false,
    }),
  ],
]

const ODDITIES = [...NAMES, ...PARTITIONS, ...NUMBERS, ...KINDS, ...IDS, ...TWICE, ...STRANGERS, ...SECURITY]

function twice<T>(items: readonly T[]): readonly T[] {
  return [...items, ...items]
}
