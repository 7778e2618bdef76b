import type { JournaledState, Storage } from '@keyfold/storage'
import { fromPayload, journalKinds, toPayload } from '../journal-kinds.ts'

/** What a quota is for, part by part; a null name is the default for all that have no quota of their own. */
export type QuotaEntity = readonly { readonly entityType: string; readonly entityName: string | null }[]

export interface Quota {
  readonly entity: QuotaEntity
  readonly values: Readonly<Record<string, number>>
}

/** One part of a question: entities that have this part by name, as default, or at all. */
export interface QuotaFilter {
  readonly entityType: string
  readonly matchType: number
  readonly match: string | null
}

/** Kafka's numbers for how a part is matched. */
export const quotaMatches = { exact: 0, default: 1, any: 2 } as const

/** The quotas of users, client ids and addresses (KIP-546), journaled. */
export class ClientQuotas implements JournaledState {
  readonly name = 'client-quotas'
  readonly kinds = [journalKinds.clientQuotaSet]
  readonly #storage: Storage
  readonly #quotas = new Map<string, Quota>()

  constructor(storage: Storage) {
    this.#storage = storage
  }

  get size(): number {
    return this.#quotas.size
  }

  of(entity: QuotaEntity): Quota['values'] {
    return this.#quotas.get(keyOf(entity))?.values ?? {}
  }

  /** Replaces the values of one entity, none of them to forget it; returns the lsn to await. */
  set(entity: QuotaEntity, values: Quota['values']): number {
    return this.#storage.append(journalKinds.clientQuotaSet, toPayload({ entity, values } satisfies Quota))
  }

  /** The entities that match every part of the question and, if it is strict, have no other parts. */
  matching(filters: readonly QuotaFilter[], isStrict: boolean): Quota[] {
    return [...this.#quotas.values()].filter(({ entity }) => {
      if (isStrict && entity.length !== filters.length) return false
      return filters.every(({ entityType, matchType, match }) => {
        const part = entity.find((each) => each.entityType === entityType)
        if (part === undefined) return false
        if (matchType === quotaMatches.exact) return part.entityName === match
        return matchType === quotaMatches.any || part.entityName === null
      })
    })
  }

  apply(_kind: number, payload: Buffer): void {
    this.#put(fromPayload<Quota>(payload))
  }

  snapshot(): Buffer {
    return toPayload([...this.#quotas.values()])
  }

  restore(bytes: Buffer): void {
    for (const quota of fromPayload<Quota[]>(bytes)) this.#put(quota)
  }

  #put(quota: Quota): void {
    const key = keyOf(quota.entity)
    if (Object.keys(quota.values).length === 0) this.#quotas.delete(key)
    else this.#quotas.set(key, quota)
  }
}

/** The same for the same parts in any order. */
function keyOf(entity: QuotaEntity): string {
  return JSON.stringify(entity.map((part) => JSON.stringify([part.entityType, part.entityName])).toSorted())
}
