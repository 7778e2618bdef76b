import type { JournaledState, Storage } from '@keyfold/storage'
import { fromPayload, journalKinds, toPayload } from '../journal-kinds.ts'
import type { GroupFacts } from './group.ts'
import type { MemberFacts } from './member.ts'

type StoredMember = Omit<MemberFacts, 'protocols' | 'assignment'> & {
  protocols: { name: string; metadata: string }[]
  assignment: string
}
type StoredGroup = Omit<GroupFacts, 'members'> & { members: StoredMember[] }

/**
 * What the journal knows of every group: its generation, and who was in it with which assignment. After a restart the
 * groups go on from here, so that members with a live session need not rebalance.
 */
export class GroupRegister implements JournaledState {
  readonly name = 'groups'
  readonly kinds = [journalKinds.groupSaved, journalKinds.groupDeleted]
  readonly #storage: Storage
  readonly #groups = new Map<string, StoredGroup>()

  constructor(storage: Storage) {
    this.#storage = storage
  }

  all(): GroupFacts[] {
    return Array.from(this.#groups.values(), fromStored)
  }

  save(facts: GroupFacts): number {
    const { kind, payload } = this.entry(facts)
    return this.#storage.append(kind, payload)
  }

  /** The entry that keeps a group, to be written together with others. */
  entry(facts: GroupFacts): { kind: number; payload: Buffer } {
    return { kind: journalKinds.groupSaved, payload: toPayload(toStored(facts)) }
  }

  deletion(groupId: string): { kind: number; payload: Buffer } {
    return { kind: journalKinds.groupDeleted, payload: toPayload({ groupId }) }
  }

  apply(kind: number, payload: Buffer): void {
    const group = fromPayload<StoredGroup>(payload)
    if (kind === journalKinds.groupDeleted) this.#groups.delete(group.groupId)
    else this.#groups.set(group.groupId, group)
  }

  snapshot(): Buffer {
    return toPayload([...this.#groups.values()])
  }

  restore(bytes: Buffer): void {
    for (const group of fromPayload<StoredGroup[]>(bytes)) this.#groups.set(group.groupId, group)
  }
}

function toStored(facts: GroupFacts): StoredGroup {
  const members = facts.members.map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    sessionTimeoutMs: member.sessionTimeoutMs,
    protocols: member.protocols.map(({ name, metadata }) => ({ name, metadata: metadata.toString('base64') })),
    assignment: member.assignment.toString('base64'),
  }))
  return { ...facts, members }
}

function fromStored(stored: StoredGroup): GroupFacts {
  const members = stored.members.map((member) => ({
    ...member,
    protocols: member.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata, 'base64') })),
    assignment: Buffer.from(member.assignment, 'base64'),
  }))
  return { ...stored, members }
}
