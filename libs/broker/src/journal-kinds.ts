/** The kinds of journal entries that this lib's coordinators write; 1-31 belong to storage, partitions, transactions. */
export const journalKinds = {
  topicCreated: 32,
  topicDeleted: 33,
  partitionsAdded: 34,
  topicConfigsSet: 35,
  brokerConfigsSet: 36,
  clusterIdentified: 37,
  partitionsReassigned: 38,
  brokerDefaultsSet: 39,
  offsetsCommitted: 40,
  offsetsDeleted: 41,
  offsetsOfTopicDeleted: 42,
  offsetsOfGroupDeleted: 43,
  groupSaved: 44,
  groupDeleted: 45,
  consumerGroupChanged: 46,
  consumerGroupDeleted: 47,
  groupConfigsSet: 48,
  clientQuotaSet: 56,
  scramCredentialChanged: 57,
} as const

/** Payloads that are rare or small are JSON: readable with any tool, free to grow new members. */
export function toPayload(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

export function fromPayload<T>(payload: Buffer): T {
  return JSON.parse(payload.toString('utf8')) as T
}
