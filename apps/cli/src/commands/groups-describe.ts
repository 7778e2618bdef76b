import { defineCommand } from '../command.ts'
import { groupLag, lagMembers } from '../groups/group-lag.ts'
import { listOf, objectOf, orNull, text, whole } from '../json-schema.ts'

export const groupsDescribe = defineCommand({
  path: 'groups describe',
  summary: 'show the members of a group, what each reads, and where the group stands',
  arguments: [['<group...>', 'their names']],
  uses: ['kafka'],
  examples: [['keyfold groups describe billing', 'members, partitions, offsets and lag']],
  exits: { usage: 'the group does not exist' },
  data: listOf(
    objectOf({
      group: text,
      type: text,
      state: text,
      assignor: text,
      coordinator: whole,
      members: listOf(
        objectOf({
          memberId: text,
          instanceId: orNull(text),
          clientId: text,
          host: text,
          assignment: listOf(objectOf({ topic: text, partition: whole })),
        }),
      ),
      offsets: objectOf(lagMembers),
    }),
  ),
  async run(context, _options, names) {
    const admin = await context.admin()
    const groups = []
    for (const name of names) {
      const { groupId, ...described } = await admin.describeGroup(name)
      groups.push({ group: groupId, ...described, offsets: await groupLag(admin, name) })
    }
    return {
      data: groups,
      ids: groups.flatMap(({ members }) => members.map(({ memberId }) => memberId)),
      tables: groups.flatMap(({ group, type, state, assignor, coordinator, members, offsets }) => [
        {
          title: `group ${group}: ${type}, ${state}, assignor ${assignor || 'none'}, kept by node ${coordinator}`,
          columns: ['MEMBER', 'CLIENT', 'HOST', 'PARTITIONS'],
          rows: members.map(({ memberId, clientId, host, assignment }) => [
            memberId,
            clientId,
            host,
            assignment.map(({ topic, partition }) => `${topic}/${partition}`).join(' '),
          ]),
        },
        {
          columns: [
            'TOPIC',
            { heading: 'PARTITION', right: true },
            { heading: 'OFFSET', right: true },
            { heading: 'END', right: true },
            { heading: 'LAG', right: true },
          ],
          rows: offsets.partitions.map((each) => [each.topic, each.partition, each.offset, each.endOffset, each.lag]),
        },
      ]),
    }
  },
})
