import type { KafkaClient } from '@keyfold/kafka'
import { projectorsGroup } from '@keyfold/projections'
import type { ClientConfig } from 'pg'
import { PARTITIONS, PROJECTOR } from './ledger.ts'
import { askingPostgres } from './snapshots.ts'

export const APPLICATION = 'lane'
const GROUPS = [PROJECTOR, `${PROJECTOR}.effects`].map((name) => projectorsGroup(APPLICATION, name, 1))

/** What is seen of a shared projector past Keyfold: in its groups and in its tables. */
export class SharingWatch {
  readonly #kafka: KafkaClient
  readonly #connection: ClientConfig

  constructor(kafka: KafkaClient, connection: ClientConfig) {
    this.#kafka = kafka
    this.#connection = connection
  }

  /** Whether so many members are in the groups of the projector and of its effects, and each partition has its owner. */
  async isSharedBy(members: number): Promise<boolean> {
    for (const group of GROUPS) {
      const seen = (await this.#kafka.groups?.members(group)) ?? []
      const owned = seen.flatMap(({ partitions }) => partitions)
      if (seen.length !== members || owned.length !== PARTITIONS || new Set(owned).size !== PARTITIONS) return false
    }
    return true
  }

  /** The numbers of the projector's generations, by what they are. */
  async generations(): Promise<Readonly<Record<'active' | 'building' | 'rejected', readonly number[]>>> {
    const sql = 'SELECT generation, status FROM keyfold.generation WHERE projector = $1'
    const rows = await askingPostgres(this.#connection, (all) =>
      all<{ readonly generation: number; readonly status: string }>(sql, PROJECTOR),
    )
    const those = (wanted: string): readonly number[] =>
      rows.filter(({ status }) => status === wanted).map(({ generation }) => generation)
    return { active: those('active'), building: those('building'), rejected: those('rejected') }
  }

  /** How often checkpoints have been claimed. */
  async claims(): Promise<number> {
    const sql = 'SELECT last_value::integer AS claims FROM audit.tenure'
    const [row] = await askingPostgres(this.#connection, (all) => all<{ readonly claims: number }>(sql))
    return row?.claims ?? 0
  }
}
