import type { CommandDefinition } from './command.ts'
import { aggregateReplay } from './commands/aggregate-replay.ts'
import { aggregateShow } from './commands/aggregate-show.ts'
import { brokerStart } from './commands/broker-start.ts'
import { brokerStatus } from './commands/broker-status.ts'
import { brokerVerify } from './commands/broker-verify.ts'
import { consume } from './commands/consume.ts'
import { eventsRead } from './commands/events-read.ts'
import { eventsTrace } from './commands/events-trace.ts'
import { explain } from './commands/explain.ts'
import { groupsDescribe } from './commands/groups-describe.ts'
import { groupsLag } from './commands/groups-lag.ts'
import { groupsList } from './commands/groups-list.ts'
import { groupsReset } from './commands/groups-reset.ts'
import { parkedDrop, parkedList, parkedRetry, parkedShow } from './commands/parked.ts'
import { produce } from './commands/produce.ts'
import { projectionsDebug } from './commands/projections-debug.ts'
import { projectionsList } from './commands/projections-list.ts'
import { projectionsRebuild } from './commands/projections-rebuild.ts'
import { projectionsStatus } from './commands/projections-status.ts'
import {
  projectionsCancel,
  projectionsDropOld,
  projectionsPause,
  projectionsResume,
  projectionsRollBack,
  projectionsStart,
  projectionsSwap,
} from './commands/projections-steer.ts'
import { registryStart } from './commands/registry-start.ts'
import { schemasCheck } from './commands/schemas-check.ts'
import { schemasGen } from './commands/schemas-gen.ts'
import { schemasLint } from './commands/schemas-lint.ts'
import { schemasDiff } from './commands/schemas-diff.ts'
import { schemasHistory } from './commands/schemas-history.ts'
import { schemasList } from './commands/schemas-list.ts'
import { schemasPull } from './commands/schemas-pull.ts'
import { schemasPush } from './commands/schemas-push.ts'
import { schemasShow } from './commands/schemas-show.ts'
import { schemasStats } from './commands/schemas-stats.ts'
import { schemasVerify } from './commands/schemas-verify.ts'
import { topicsConfig } from './commands/topics-config.ts'
import { topicsCreate } from './commands/topics-create.ts'
import { topicsDelete } from './commands/topics-delete.ts'
import { topicsDescribe } from './commands/topics-describe.ts'
import { topicsList } from './commands/topics-list.ts'
import { topicsTrim } from './commands/topics-trim.ts'

/** The first words of commands that have two, with what they are about. */
export const commandGroups: Readonly<Record<string, string>> = {
  broker: 'the bundled broker',
  registry: 'the schema registry',
  schemas: 'Avro schemas of the events',
  topics: 'topics of any cluster',
  groups: 'consumer groups of any cluster',
  aggregate: 'aggregates of an application, as its own code sees them',
  events: 'stored events',
  projections: 'read models of an application',
  parked: 'events that a projector has set aside',
}

/** Every command, in the order of the help. */
export const commands: readonly CommandDefinition[] = [
  brokerStart,
  brokerStatus,
  brokerVerify,
  registryStart,
  schemasCheck,
  schemasLint,
  schemasGen,
  schemasList,
  schemasShow,
  schemasHistory,
  schemasDiff,
  schemasPush,
  schemasPull,
  schemasStats,
  schemasVerify,
  topicsList,
  topicsDescribe,
  topicsCreate,
  topicsDelete,
  topicsConfig,
  topicsTrim,
  produce,
  consume,
  groupsList,
  groupsDescribe,
  groupsLag,
  groupsReset,
  projectionsList,
  projectionsStatus,
  projectionsStart,
  projectionsRebuild,
  projectionsPause,
  projectionsResume,
  projectionsSwap,
  projectionsCancel,
  projectionsRollBack,
  projectionsDropOld,
  projectionsDebug,
  parkedList,
  parkedShow,
  parkedRetry,
  parkedDrop,
  aggregateShow,
  aggregateReplay,
  eventsRead,
  eventsTrace,
  explain,
]
