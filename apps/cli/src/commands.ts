import type { CommandDefinition } from './command.ts'
import { brokerStart } from './commands/broker-start.ts'
import { brokerStatus } from './commands/broker-status.ts'
import { brokerVerify } from './commands/broker-verify.ts'
import { consume } from './commands/consume.ts'
import { explain } from './commands/explain.ts'
import { groupsDescribe } from './commands/groups-describe.ts'
import { groupsLag } from './commands/groups-lag.ts'
import { groupsList } from './commands/groups-list.ts'
import { groupsReset } from './commands/groups-reset.ts'
import { produce } from './commands/produce.ts'
import { registryStart } from './commands/registry-start.ts'
import { schemasGen } from './commands/schemas-gen.ts'
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
}

/** Every command, in the order of the help. */
export const commands: readonly CommandDefinition[] = [
  brokerStart,
  brokerStatus,
  brokerVerify,
  registryStart,
  schemasGen,
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
  explain,
]
