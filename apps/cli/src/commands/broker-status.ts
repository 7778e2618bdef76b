import { directoryStatus, type DirectoryStatus } from '@keyfold/storage'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { listOf, objectOf, oneOf, orNull, text, whole } from '../json-schema.ts'
import type { Report } from '../report.ts'

interface StatusOptions {
  readonly data?: string
}

export const brokerStatus = defineCommand<StatusOptions>({
  path: 'broker status',
  summary: 'say whether a broker runs: on a data directory, or at an address',
  details: 'With --data it looks at the lock of the directory and asks nobody; without it, it asks the broker.',
  options: [{ flags: '--data <dir>', description: 'folder with the data of a broker of this machine' }],
  uses: ['kafka'],
  examples: [
    ['keyfold broker status', 'ask the broker at KAFKA_BROKERS'],
    ['keyfold broker status --data .keyfold/broker', 'does a process use this directory, and which?'],
  ],
  exits: { found: 'with --data: no broker uses the directory', unreachable: 'no broker answers' },
  data: objectOf({
    'directory?': objectOf({ path: text, state: oneOf('absent', 'free', 'in-use'), pid: orNull(whole) }),
    'cluster?': objectOf({
      clusterId: text,
      controllerId: whole,
      nodes: listOf(objectOf({ nodeId: whole, host: text, port: whole })),
      topics: whole,
      partitions: whole,
      groups: whole,
    }),
  }),
  run: async (context, { data }) => (data === undefined ? online(context) : offline(data)),
})

function offline(path: string): Report {
  const status = directoryStatus(path)
  const pid = status.state === 'in-use' ? (status.pid ?? null) : null
  return {
    status: status.state === 'in-use' ? 'ok' : 'found',
    data: { directory: { path, state: status.state, pid } },
    ids: pid === null ? [] : [String(pid)],
    lines: [lineOf(path, status)],
  }
}

function lineOf(path: string, status: DirectoryStatus): string {
  if (status.state === 'absent') return `${path} is not the data of a broker`
  if (status.state === 'free') return `${path} is not in use`
  return `${path} is in use by process ${status.pid ?? '(unknown)'}`
}

async function online(context: Context): Promise<Report> {
  const admin = await context.admin()
  const [{ clusterId, controllerId, nodes }, topics, groups] = await Promise.all([
    admin.cluster(),
    admin.listTopics(),
    admin.listGroups(),
  ])
  const partitions = topics.reduce((sum, topic) => sum + topic.partitions, 0)
  const cluster = { clusterId, controllerId, nodes, topics: topics.length, partitions, groups: groups.length }
  return {
    data: { cluster },
    ids: nodes.map(({ host, port }) => `${host}:${port}`),
    lines: [`cluster ${clusterId}: ${cluster.topics} topics, ${partitions} partitions, ${cluster.groups} groups`],
    tables: [
      {
        columns: [{ heading: 'NODE', right: true }, 'ADDRESS', 'CONTROLLER'],
        rows: nodes.map(({ nodeId, host, port }) => [nodeId, `${host}:${port}`, nodeId === controllerId ? 'yes' : '']),
      },
    ],
  }
}
