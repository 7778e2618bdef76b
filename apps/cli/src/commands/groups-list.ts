import { defineCommand } from '../command.ts'
import { listOf, objectOf, orNull, text } from '../json-schema.ts'

export const groupsList = defineCommand({
  path: 'groups list',
  summary: 'list the consumer groups of a cluster',
  uses: ['kafka'],
  examples: [['keyfold groups list', 'name, generation of the protocol and state of every group']],
  data: listOf(objectOf({ group: text, type: orNull(text), protocolType: text, state: orNull(text) })),
  async run(context) {
    const admin = await context.admin()
    const groups = (await admin.listGroups()).map(({ groupId, type = null, protocolType, state = null }) => ({
      group: groupId,
      type,
      protocolType,
      state,
    }))
    return {
      data: groups,
      ids: groups.map(({ group }) => group),
      tables: [
        {
          columns: ['GROUP', 'TYPE', 'STATE'],
          rows: groups.map(({ group, type, state }) => [group, type, state]),
        },
      ],
    }
  },
})
