import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { connectKafka } from '../connect-kafka.ts'
import type { KafkaClient } from '../kafka-client.ts'
import type { GroupAssigner, GroupAssignment, GroupMembership, JoinedMember, KafkaGroups } from '../kafka-groups.ts'
import type { KafkaClientSubject } from './kafka-client.contract.ts'

/** All partitions to the member whose user data is first in the alphabet. */
const greedy: GroupAssigner = {
  name: 'greedy',
  assign(members, generation) {
    const [first] = [...members].sort((left, right) => (said(left) < said(right) ? -1 : 1))
    const userData = Buffer.from(`${generation}: ${members.map(said).sort().join()}`)
    return new Map(
      members.map((member) => [member.memberId, { partitions: member === first ? [0, 1, 2] : [], userData }]),
    )
  },
}

function said({ userData }: JoinedMember): string {
  return userData.toString()
}

const patience = { timeout: 20_000, interval: 20 }

/** What every cluster and client behind the `KafkaGroups` port must do. */
export function kafkaGroupsContract(subject: KafkaClientSubject): void {
  describe(`group membership on ${subject.name}`, () => {
    const clients: KafkaClient[] = []
    let brokers: readonly string[] = []
    let stop: (() => Promise<void>) | undefined
    let topic = ''

    beforeAll(async () => {
      const started = await subject.start()
      brokers = started.brokers
      stop = started.stop
      topic = `contract-${randomUUID()}`
      await (await client()).ensureTopics([{ name: topic, partitions: 3 }])
    }, 60_000)

    afterAll(async () => {
      for (const each of clients) await each.close()
      await stop?.()
    })

    async function client(): Promise<KafkaClient> {
      const kafka = await connectKafka({ brokers, clientId: 'contract' })
      clients.push(kafka)
      return kafka
    }

    async function groups(): Promise<KafkaGroups> {
      const { groups: found } = await client()
      if (found === undefined) throw new TypeError('the client has no groups')
      return found
    }

    async function member(groupId: string, name: string, kafka?: KafkaGroups) {
      const assignments: GroupAssignment[] = []
      const troubles: Error[] = []
      const from = kafka ?? (await groups())
      const membership: GroupMembership = from.join({
        groupId,
        topic,
        assigner: greedy,
        userData: () => Buffer.from(name),
        sessionTimeoutMs: 6_000,
        rebalanceTimeoutMs: 6_000,
        heartbeatIntervalMs: 50,
        onAssigned: (assignment) => void assignments.push(assignment),
        onTrouble: (error) => void troubles.push(error),
      })
      const last = () => assignments.at(-1)
      const told = (text: string) => vi.waitUntil(() => last()?.userData.toString().endsWith(text), patience)
      return { membership, assignments, troubles, last, told }
    }

    it('gives the only member everything, and tells it what the assigner says', async () => {
      const groupId = randomUUID()
      const only = await member(groupId, 'a')
      await only.told(': a')
      expect(only.last()).toMatchObject({ partitions: [0, 1, 2] })
      expect(only.last()?.userData.toString()).toBe(`${only.last()?.generation}: a`)
      expect(await only.membership.isCurrent()).toBe(true)
      await only.membership.close()
      expect(await only.membership.isCurrent()).toBe(false)
    })

    it('shares anew when a member comes and when one leaves, in a later generation', async () => {
      const groupId = randomUUID()
      const second = await member(groupId, 'b')
      await second.told(': b')
      const first = await member(groupId, 'a')
      await Promise.all([first.told(': a,b'), second.told(': a,b')])
      expect([first.last()?.partitions, second.last()?.partitions]).toEqual([[0, 1, 2], []])
      expect(first.last()?.generation).toBe(second.last()?.generation)
      expect(second.last()?.generation).toBeGreaterThan(second.assignments[0]?.generation ?? Infinity)
      await first.membership.close()
      await second.told(': b')
      expect(second.last()?.partitions).toEqual([0, 1, 2])
      await second.membership.close()
    })

    it('shows from outside who has what; nobody in a group that does not exist', async () => {
      const groupId = randomUUID()
      const outside = await groups()
      expect(await outside.members(groupId)).toEqual([])
      const only = await member(groupId, 'a')
      await only.told(': a')
      expect(await outside.members(groupId)).toEqual([
        { memberId: only.last()?.memberId, partitions: [0, 1, 2], userData: only.last()?.userData },
      ])
      await only.membership.close()
      await vi.waitUntil(async () => (await outside.members(groupId)).length === 0, patience)
    })

    it('knows that it does not count any more when it was thrown out, and comes back', async () => {
      const groupId = randomUUID()
      const lost = await member(groupId, 'a')
      await lost.told(': a')
      const { memberId } = lost.last() ?? { memberId: '' }
      await throwOut(brokers, groupId, memberId)
      await vi.waitUntil(() => lost.assignments.length > 1, patience)
      expect(lost.last()?.memberId).not.toBe(memberId)
      expect(await lost.membership.isCurrent()).toBe(true)
      await lost.membership.close()
    })

    it('ends with its client', async () => {
      const kafka = await client()
      const only = await member(randomUUID(), 'a', kafka.groups)
      await only.told(': a')
      await kafka.close()
      await only.membership.close()
      expect(await only.membership.isCurrent()).toBe(false)
    })
  })
}

/** As an operator's tool does it: leaves in the member's name. */
async function throwOut(brokers: readonly string[], groupId: string, memberId: string): Promise<void> {
  const { Cluster } = await import('../cluster.ts')
  const { clientSettings } = await import('../client-options.ts')
  const { groupCoordinator } = await import('../admin/group-requests.ts')
  const { LeaveGroup } = await import('@keyfold/protocol')
  const cluster = new Cluster(clientSettings({ brokers, clientId: 'operator' }))
  await cluster.connect()
  const [link] = await groupCoordinator(cluster, groupId)
  await link.ask(LeaveGroup, { groupId, members: [{ memberId }] })
  await cluster.close()
}
