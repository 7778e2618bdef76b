import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectKafkaAdmin } from '../connect-kafka-admin.ts'
import type { KafkaAdmin } from '../kafka-admin.ts'
import type { KafkaClientSubject } from './kafka-client.contract.ts'
import { joinClassicGroup, joinModernGroup } from './group-members.ts'

/** What every cluster behind the `KafkaAdmin` port must do. */
export function kafkaAdminContract(subject: KafkaClientSubject): void {
  describe(`Kafka's admin port on ${subject.name}`, () => {
    let brokers: readonly string[] = []
    let stop: (() => Promise<void>) | undefined
    let admin: KafkaAdmin

    beforeAll(async () => {
      const started = await subject.start()
      brokers = started.brokers
      stop = started.stop
      admin = await connectKafkaAdmin({ brokers, clientId: 'admin-contract' })
    }, 60_000)

    afterAll(async () => {
      await admin?.close()
      await stop?.()
    })

    async function newTopic(partitions = 2, configs: Readonly<Record<string, string>> = {}): Promise<string> {
      const name = `admin-${randomUUID()}`
      await admin.createTopic({ name, partitions, configs })
      // A cluster tells its nodes of a topic one after the other.
      await expect.poll(() => admin.offsets(name, 'latest').catch(() => [])).toHaveLength(partitions)
      return name
    }

    async function appendAt(topic: string, timestampMs: number, value = 'value'): Promise<number> {
      const records = [{ key: null, value: Buffer.from(value), headers: { kind: 'test' }, timestampMs }]
      return admin.append({ topic, partition: 0, records })
    }

    it('creates, lists, describes, grows and deletes topics', async () => {
      const name = await newTopic(2, { 'retention.ms': '1000' })
      expect(await admin.listTopics()).toContainEqual({ name, partitions: 2, replicationFactor: 1, isInternal: false })
      const described = await admin.describeTopic(name)
      expect(described).toMatchObject({ name, partitions: 2, layout: [{ partition: 0 }, { partition: 1 }] })
      expect(described.topicId).toMatch(/^[\w-]{22}$/)
      expect(described.layout[0]?.inSyncReplicas).toEqual([described.layout[0]?.leader])
      await expect(admin.createTopic({ name })).rejects.toMatchObject({ code: 'TOPIC_EXISTS' })
      await admin.setPartitionCount(name, 3)
      await expect.poll(async () => (await admin.describeTopic(name)).partitions).toBe(3)
      await expect(admin.setPartitionCount(name, 1)).rejects.toMatchObject({ code: 'TOPIC_REFUSED' })
      await admin.deleteTopic(name)
      await expect(admin.describeTopic(name)).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
      await expect(admin.deleteTopic(name)).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
      await expect(admin.createTopic({ name: 'a b' })).rejects.toMatchObject({ code: 'TOPIC_REFUSED' })
    })

    it('only checks a topic when told so', async () => {
      const name = `admin-${randomUUID()}`
      await admin.createTopic({ name, partitions: 1, validateOnly: true })
      await expect(admin.describeTopic(name)).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    })

    it('shows settings with where they come from, sets them and takes them back', async () => {
      const topic = await newTopic(1, { 'retention.ms': '1000' })
      const entry = async (key: string) => (await admin.topicConfigs(topic)).find(({ name }) => name === key)
      expect(await entry('retention.ms')).toMatchObject({ value: '1000', source: 'topic' })
      expect(await entry('cleanup.policy')).toMatchObject({ value: 'delete', source: 'default' })
      await admin.alterTopicConfigs(topic, { changes: { 'retention.ms': null, 'max.message.bytes': '2000' } })
      await expect.poll(() => entry('max.message.bytes')).toMatchObject({ value: '2000', source: 'topic' })
      expect(await entry('retention.ms')).toMatchObject({ source: 'default' })
      const wrong = admin.alterTopicConfigs(topic, { changes: { 'retention.ms': 'soon' } })
      await expect(wrong).rejects.toMatchObject({ code: 'TOPIC_REFUSED' })
      await expect(admin.topicConfigs('no-such-topic')).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    })

    it('appends records and finds offsets by time', async () => {
      const topic = await newTopic(2)
      const at = Date.now() - 60_000
      expect(await appendAt(topic, at)).toBe(0)
      expect(await appendAt(topic, at + 10)).toBe(1)
      expect(await admin.offsets(topic, 'latest')).toEqual([2, 0])
      expect(await admin.offsets(topic, { timestampMs: at + 5 })).toEqual([1, 0])
      expect(await admin.offsets(topic, { timestampMs: at + 11 })).toEqual([2, 0])
    })

    it('deletes records below an offset', async () => {
      const topic = await newTopic(1)
      for (const value of ['a', 'b', 'c']) await appendAt(topic, Date.now(), value)
      expect(await admin.deleteRecords(topic, new Map([[0, 2]]))).toEqual(new Map([[0, 2]]))
      expect(await admin.offsets(topic, 'earliest')).toEqual([2])
      await expect(admin.deleteRecords(topic, new Map([[0, 9]]))).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    })

    it('sets and shows the offsets of a group without members, and deletes it', async () => {
      const topic = await newTopic(2)
      const groupId = `group-${randomUUID()}`
      await expect(admin.describeGroup(groupId)).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' })
      expect(await admin.groupOffsets(groupId)).toEqual([])
      const offsets = [
        { topic, partition: 0, offset: 5, metadata: 'by hand' },
        { topic, partition: 1, offset: 7, metadata: '' },
      ]
      await admin.setGroupOffsets(groupId, offsets)
      expect(await admin.groupOffsets(groupId)).toEqual(offsets)
      expect(await admin.listGroups()).toContainEqual(expect.objectContaining({ groupId, state: 'Empty' }))
      await admin.deleteGroup(groupId)
      await expect(admin.deleteGroup(groupId)).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' })
    })

    it.each([
      ['classic', joinClassicGroup],
      ['consumer', joinModernGroup],
    ])('describes a %s group with its members and refuses to move it', async (type, join) => {
      const topic = await newTopic(1)
      const groupId = `group-${randomUUID()}`
      const leave = await join({ brokers, groupId, topic })
      const members = async () => (await admin.describeGroup(groupId)).members
      await expect.poll(members).toMatchObject([{ assignment: [{ topic, partition: 0 }] }])
      expect(await admin.describeGroup(groupId)).toMatchObject({ type, state: 'Stable' })
      expect(await admin.listGroups()).toContainEqual(expect.objectContaining({ groupId, type }))
      const moved = admin.setGroupOffsets(groupId, [{ topic, partition: 0, offset: 0 }])
      await expect(moved).rejects.toMatchObject({ code: 'GROUP_ACTIVE' })
      await expect(admin.deleteGroup(groupId)).rejects.toMatchObject({ code: 'GROUP_ACTIVE' })
      await leave()
      await expect.poll(members).toEqual([])
      await admin.setGroupOffsets(groupId, [{ topic, partition: 0, offset: 0 }])
    })
  })
}
