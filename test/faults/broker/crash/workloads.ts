import type { Workload } from './crash-lane.ts'
import { smallShape } from './scene.ts'
import {
  beatClassic,
  beatConsumer,
  commitOffset,
  deleteGroup,
  deleteOffset,
  expireOffsets,
  joinClassic,
  joinConsumer,
  leaveClassic,
  leaveConsumer,
} from './steps-groups.ts'
import {
  addPartitions,
  createTopic,
  deleteRecords,
  deleteTopic,
  put,
  send,
  sendAgain,
  sendAs,
  type Step,
} from './steps-logs.ts'
import { abort, add, begin, commit, init, stage, timedOut, write, writeKeyed } from './steps-transactions.ts'
import {
  checkpoint,
  compact,
  configure,
  deleteCredential,
  expireRecords,
  kill,
  pass,
  restart,
  setCredential,
  setQuota,
  together,
} from './steps-upkeep.ts'

const times = (count: number, ...steps: readonly Step[]): Step[] => Array.from({ length: count }, () => steps).flat()

/** A whole transaction of a client before KIP-890. */
const transaction = (id: string, ...places: string[]): Step[] => [
  begin(id),
  add(id, ...places),
  ...places.map((at) => write(id, at)),
]

/** The same with transaction version 2: nothing is announced. */
const transaction2 = (id: string, ...places: string[]): Step[] => [
  begin(id),
  ...places.map((at) => write(id, at, 1, 2)),
]

const compacted = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0', 'delete.retention.ms': '1000' }
const oneDayMs = 86_400_000
/** Every batch closes the segment before it. */
const tinySegments = { segmentBytes: 100 }

const logs: readonly Workload[] = [
  {
    name: 'plain batches to two partitions',
    steps: [createTopic('t', 2), send('t-0', 2), send('t-1'), send('t-0'), checkpoint, send('t-1', 3)],
  },
  {
    name: 'several producers at once',
    steps: [
      createTopic('t', 2),
      together([send('t-0'), send('t-1')], [sendAs('p', 't-0', 2), sendAs('p', 't-1')], [send('t-1', 2), send('t-0')]),
    ],
  },
  {
    name: 'segments that roll, with a checkpoint in between',
    steps: [createTopic('t'), ...times(4, send('t-0', 3)), checkpoint, ...times(4, send('t-0', 3)), checkpoint],
  },
  {
    name: 'segments that are written before their checkpoint',
    shape: { limits: { ...smallShape.limits, flushBytes: 500, tailBytesMax: 500 } },
    steps: [createTopic('t'), ...times(5, send('t-0', 3)), checkpoint, send('t-0')],
  },
  {
    name: 'a journal that goes on in a second and a third file',
    shape: { limits: { ...smallShape.limits, journalFileBytes: 16_384, firstJournalFileBytes: 16_384 } },
    steps: [createTopic('t'), ...times(7, send('t-0', 2)), checkpoint, ...times(3, send('t-0', 2))],
  },
  {
    name: 'checkpoints that the journal itself asks for',
    shape: {
      limits: {
        ...smallShape.limits,
        journalFileBytes: 16_384,
        firstJournalFileBytes: 16_384,
        checkpointJournalBytes: 16_384,
      },
    },
    steps: [createTopic('t', 2), ...times(5, send('t-0', 2), send('t-1'))],
  },
  {
    name: 'compressed batches, stored as received',
    steps: [
      createTopic('t'),
      send('t-0', 4, { compression: 'gzip' }),
      checkpoint,
      sendAs('p', 't-0', 3, { compression: 'zstd' }),
      sendAgain('p', 't-0'),
    ],
  },
  {
    name: 'batches that the topic wants compressed anew',
    steps: [
      createTopic('t', 1, { 'compression.type': 'gzip' }),
      sendAs('p', 't-0', 4),
      sendAgain('p', 't-0'),
      checkpoint,
      sendAs('p', 't-0', 4, { compression: 'zstd' }),
      sendAgain('p', 't-0'),
    ],
  },
  {
    name: 'times that the broker sets',
    steps: [
      createTopic('t', 1, { 'message.timestamp.type': 'LogAppendTime' }),
      sendAs('p', 't-0', 2),
      pass(5),
      sendAs('p', 't-0'),
      checkpoint,
      send('t-0'),
    ],
  },
]

const producers: readonly Workload[] = [
  {
    name: 'an idempotent producer that repeats itself',
    steps: [
      createTopic('t'),
      sendAs('p', 't-0', 2),
      sendAgain('p', 't-0'),
      checkpoint,
      sendAs('p', 't-0'),
      sendAgain('p', 't-0'),
    ],
  },
  {
    name: 'sequences across restarts and kills',
    steps: [
      createTopic('t', 2),
      sendAs('p', 't-0', 2),
      restart,
      sendAgain('p', 't-0'),
      sendAs('p', 't-0'),
      kill,
      sendAs('p', 't-0'),
      sendAs('p', 't-1'),
    ],
  },
  {
    name: 'many producers get ids, some after a restart',
    steps: [
      createTopic('t'),
      sendAs('a', 't-0'),
      sendAs('b', 't-0'),
      restart,
      sendAs('c', 't-0'),
      checkpoint,
      kill,
      sendAs('d', 't-0'),
    ],
  },
  {
    name: 'producers that are silent for too long are forgotten',
    steps: [
      createTopic('t'),
      send('t-0'),
      pass(oneDayMs + 600_000),
      send('t-0'),
      checkpoint,
      pass(600_000),
      send('t-0'),
    ],
  },
]

const transactions: readonly Workload[] = [
  {
    name: 'a commit over three partitions',
    steps: [createTopic('t', 2), createTopic('u'), init('x'), ...transaction('x', 't-0', 't-1', 'u-0'), commit('x')],
  },
  {
    name: 'a commit and an abort, with a checkpoint in the middle',
    steps: [
      createTopic('t', 2),
      init('x'),
      ...transaction('x', 't-0', 't-1'),
      checkpoint,
      commit('x'),
      ...transaction('x', 't-0'),
      checkpoint,
      abort('x'),
      checkpoint,
    ],
  },
  {
    name: 'a transaction that moves the position of a group',
    steps: [
      createTopic('t'),
      commitOffset('g', 't-0', 1),
      init('x'),
      ...transaction('x', 't-0'),
      stage('x', 'g', 't-0', 2),
      commit('x'),
    ],
  },
  {
    name: 'positions of an aborted transaction',
    steps: [
      createTopic('t'),
      init('x'),
      ...transaction('x', 't-0'),
      stage('x', 'g', 't-0', 1),
      commit('x'),
      ...transaction('x', 't-0'),
      stage('x', 'g', 't-0', 9),
      checkpoint,
      abort('x'),
    ],
  },
  {
    name: 'a transaction that runs out of time',
    steps: [
      createTopic('t', 2),
      init('x'),
      ...transaction('x', 't-0', 't-1'),
      pass(20_000),
      timedOut('x'),
      send('t-0'),
      init('x'),
      ...transaction('x', 't-0'),
      commit('x'),
    ],
  },
  {
    name: 'a second owner fences the first in the middle of a transaction',
    steps: [
      createTopic('t'),
      init('x'),
      ...transaction('x', 't-0'),
      init('x'),
      ...transaction('x', 't-0'),
      commit('x'),
    ],
  },
  {
    name: 'transactions that a kill interrupts',
    steps: [
      createTopic('t', 2),
      init('x'),
      ...transaction('x', 't-0', 't-1'),
      kill,
      timedOut('x'),
      init('x'),
      ...transaction('x', 't-1'),
      commit('x'),
      restart,
      init('x'),
    ],
  },
  {
    name: 'two transactions that overlap in a partition',
    steps: [
      createTopic('t'),
      init('x'),
      init('y'),
      ...transaction('x', 't-0'),
      ...transaction('y', 't-0'),
      write('x', 't-0'),
      commit('y'),
      send('t-0'),
      abort('x'),
    ],
  },
  {
    name: 'two transactions at once',
    steps: [
      createTopic('t', 2),
      init('x'),
      init('y'),
      together([...transaction('x', 't-0', 't-1'), commit('x')], [...transaction('y', 't-1', 't-0'), abort('y')]),
    ],
  },
  {
    name: 'transactions of version 2, one after the other',
    steps: [
      createTopic('t', 2),
      init('x'),
      ...transaction2('x', 't-0', 't-1'),
      commit('x', 2),
      ...transaction2('x', 't-0'),
      abort('x', 2),
      checkpoint,
      ...transaction2('x', 't-1'),
      commit('x', 2),
    ],
  },
  {
    name: 'a transaction of version 2 that moves a group',
    steps: [
      createTopic('t'),
      init('x'),
      ...transaction2('x', 't-0'),
      stage('x', 'g', 't-0', 3, 2),
      commit('x', 2),
      begin('x'),
      stage('x', 'g', 't-0', 4, 2),
      commit('x', 2),
    ],
  },
  {
    name: 'a transaction of version 2 that runs out of time',
    steps: [
      createTopic('t'),
      init('x'),
      ...transaction2('x', 't-0'),
      pass(20_000),
      timedOut('x'),
      init('x'),
      ...transaction2('x', 't-0'),
      commit('x', 2),
    ],
  },
  {
    name: 'transactional ids that are forgotten',
    shape: { config: { 'transactional.id.expiration.ms': 60_000 } },
    steps: [
      createTopic('t'),
      init('x'),
      ...transaction('x', 't-0'),
      commit('x'),
      pass(80_000),
      send('t-0'),
      checkpoint,
      init('y'),
      ...transaction('y', 't-0'),
      commit('y'),
    ],
  },
]

const groups: readonly Workload[] = [
  {
    name: 'positions that are committed again and again',
    steps: [
      createTopic('t', 2),
      commitOffset('g', 't-0', 1),
      commitOffset('g', 't-1', 5),
      checkpoint,
      commitOffset('g', 't-0', 2),
      commitOffset('h', 't-0', 7),
    ],
  },
  {
    name: 'positions and groups that are deleted',
    steps: [
      createTopic('t', 2),
      commitOffset('g', 't-0', 1),
      commitOffset('h', 't-1', 2),
      deleteOffset('g', 't-0'),
      checkpoint,
      deleteGroup('h'),
      commitOffset('h', 't-0', 3),
    ],
  },
  {
    name: 'positions that expire',
    steps: [
      createTopic('t'),
      commitOffset('g', 't-0', 1),
      expireOffsets('g'),
      pass(8 * oneDayMs),
      commitOffset('h', 't-0', 3),
      checkpoint,
      send('t-0'),
    ],
  },
  {
    name: 'a classic group through its generations',
    steps: [
      createTopic('t'),
      joinClassic('g', 'a'),
      beatClassic('a'),
      leaveClassic('a'),
      joinClassic('g', 'b'),
      checkpoint,
      commitOffset('h', 't-0', 1),
      beatClassic('b'),
    ],
  },
  {
    name: 'a static member that a restart does not disturb',
    steps: [
      createTopic('t'),
      joinClassic('g', 'a', 'one'),
      restart,
      beatClassic('a'),
      commitOffset('h', 't-0', 1),
      kill,
      beatClassic('a'),
      send('t-0'),
    ],
  },
  {
    name: 'a group of the consumer protocol that grows and shrinks',
    steps: [
      createTopic('t', 3),
      joinConsumer('g', 'a', { topics: ['t'] }),
      joinConsumer('g', 'b', { topics: ['t'] }),
      beatConsumer('a'),
      beatConsumer('a'),
      beatConsumer('b'),
      checkpoint,
      leaveConsumer('a'),
      beatConsumer('b'),
    ],
  },
  {
    name: 'a static member of the consumer protocol goes and comes back',
    steps: [
      createTopic('t', 2),
      joinConsumer('g', 'a', { topics: ['t'], instanceId: 'one' }),
      leaveConsumer('a', -2),
      joinConsumer('g', 'b', { topics: ['t'], instanceId: 'one' }),
      beatConsumer('b'),
      restart,
      beatConsumer('b'),
    ],
  },
  {
    name: 'a group of the consumer protocol across a kill, with a new partition',
    steps: [
      createTopic('t'),
      joinConsumer('g', 'a', { regex: 't.*' }),
      kill,
      beatConsumer('a'),
      addPartitions('t', 2),
      beatConsumer('a'),
      createTopic('t2'),
      beatConsumer('a'),
    ],
  },
  {
    name: 'settings of a group, and the group itself, come and go',
    steps: [
      createTopic('t'),
      configure('group', 'g', { 'consumer.session.timeout.ms': '50000' }),
      joinConsumer('g', 'a', { topics: ['t'] }),
      checkpoint,
      leaveConsumer('a'),
      deleteGroup('g'),
      configure('group', 'g', { 'consumer.session.timeout.ms': null }),
    ],
  },
]

const topics: readonly Workload[] = [
  {
    name: 'a topic that is deleted and made anew',
    steps: [
      createTopic('t'),
      sendAs('p', 't-0', 2),
      commitOffset('g', 't-0', 1),
      checkpoint,
      deleteTopic('t'),
      createTopic('t', 2),
      send('t-0'),
      checkpoint,
      send('t-1'),
    ],
  },
  {
    name: 'a topic that is deleted under a transaction',
    steps: [
      createTopic('t'),
      createTopic('u'),
      init('x'),
      begin('x'),
      add('x', 't-0', 'u-0'),
      write('x', 'u-0'),
      deleteTopic('t'),
      commit('x'),
      send('u-0'),
    ],
  },
  {
    name: 'partitions that are added',
    steps: [
      createTopic('t'),
      send('t-0'),
      addPartitions('t', 3),
      send('t-2'),
      checkpoint,
      addPartitions('t', 4),
      send('t-3'),
    ],
  },
  {
    name: 'settings of topics and brokers',
    steps: [
      createTopic('t'),
      configure('topic', 't', { 'retention.ms': '1000', 'compression.type': 'gzip' }),
      configure('broker', '', { 'log.retention.ms': '5000' }),
      configure('broker', '1', { 'log.retention.bytes': '1000000' }),
      checkpoint,
      configure('topic', 't', { 'retention.ms': null }),
      configure('broker', '', { 'log.retention.ms': null }),
    ],
  },
  {
    name: 'quotas and credentials',
    steps: [
      setQuota('ann', 1000),
      setCredential('ann'),
      setCredential('bob', 2),
      checkpoint,
      setQuota('ann', null),
      setQuota('bob', 5),
      deleteCredential('ann'),
      setCredential('bob', 1),
    ],
  },
]

const upkeep: readonly Workload[] = [
  {
    name: 'records that are deleted',
    steps: [
      createTopic('t'),
      ...times(4, send('t-0', 3)),
      deleteRecords('t-0', 7),
      send('t-0'),
      checkpoint,
      deleteRecords('t-0', 12),
      send('t-0'),
      checkpoint,
    ],
  },
  {
    name: 'retention by time',
    steps: [
      createTopic('t', 1, { 'retention.ms': '1000' }),
      ...times(4, send('t-0', 3)),
      checkpoint,
      expireRecords('t'),
      pass(600_000),
      send('t-0'),
      checkpoint,
      send('t-0'),
    ],
  },
  {
    name: 'retention by size, with aborted transactions',
    steps: [
      createTopic('t', 1, { 'retention.bytes': '1000' }),
      init('x'),
      begin('x'),
      add('x', 't-0'),
      abort('x'),
      ...times(6, send('t-0', 3)),
      checkpoint,
      expireRecords('t'),
      pass(300_001),
      send('t-0'),
      checkpoint,
    ],
  },
  {
    name: 'compaction with a tombstone',
    shape: tinySegments,
    steps: [
      createTopic('t', 1, compacted),
      put('t-0', 'a', '1'),
      put('t-0', 'b', '1'),
      put('t-0', 'a', '2'),
      put('t-0', 'b', null),
      put('t-0', 'c', '1'),
      compact,
      put('t-0', 'a', '3'),
      pass(2000),
      put('t-0', 'd', '1'),
      compact,
    ],
  },
  {
    name: 'compaction with markers and aborted records',
    shape: tinySegments,
    steps: [
      createTopic('t', 1, compacted),
      init('x'),
      begin('x'),
      add('x', 't-0'),
      writeKeyed('x', 't-0', 'a', '1'),
      commit('x'),
      begin('x'),
      add('x', 't-0'),
      writeKeyed('x', 't-0', 'a', '2'),
      abort('x'),
      begin('x'),
      add('x', 't-0'),
      writeKeyed('x', 't-0', 'b', '1'),
      commit('x'),
      put('t-0', 'c', '1'),
      compact,
      pass(2000),
      put('t-0', 'c', '2'),
      compact,
    ],
  },
  {
    name: 'compaction beside a transaction that is open',
    shape: tinySegments,
    steps: [
      createTopic('t', 1, compacted),
      put('t-0', 'a', '1'),
      put('t-0', 'a', '2'),
      put('t-0', 'b', '1'),
      init('x'),
      begin('x'),
      add('x', 't-0'),
      writeKeyed('x', 't-0', 'a', '3'),
      together([compact], [put('t-0', 'b', '2')]),
      abort('x'),
      put('t-0', 'c', '1'),
    ],
  },
  {
    name: 'compaction and deletion together',
    shape: tinySegments,
    steps: [
      createTopic('t', 1, { ...compacted, 'cleanup.policy': 'compact,delete', 'retention.ms': '100000' }),
      put('t-0', 'a', '1'),
      put('t-0', 'a', '2'),
      put('t-0', 'b', '1'),
      compact,
      expireRecords('t'),
      pass(600_000),
      put('t-0', 'c', '1'),
      checkpoint,
    ],
  },
]

/** Everything that the broker journals, in scripts short enough to be cut at every file operation. */
export const workloads: readonly Workload[] = [...logs, ...producers, ...transactions, ...groups, ...topics, ...upkeep]
