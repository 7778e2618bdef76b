import type { KafkaGroups } from '@keyfold/kafka'
import type { EventStoreLogger } from '../event-store-options.ts'
import { decodeMap, type RoutingTable } from './routing-table.ts'

export interface GroupWatchOptions {
  readonly groups: KafkaGroups
  readonly groupId: string
  readonly table: RoutingTable
  readonly everyMs: number
  readonly log: EventStoreLogger
}

/** At most so often the coordinator is asked, in milliseconds. */
const hurryMs = 20

/**
 * Learns who owns what from outside the group, for an instance that is not in it: whatever one member was given has the
 * whole map. While the group forms anew, nobody has anything, and what was known stays.
 */
export class GroupWatch {
  readonly #options: GroupWatchOptions
  #started = false
  #closed = false
  #wake: () => void = () => undefined

  constructor(options: GroupWatchOptions) {
    this.#options = options
  }

  /** Begins, and resolves when the group has been looked at once. */
  async start(): Promise<void> {
    if (this.#started || this.#closed) return
    this.#started = true
    await this.#look()
    void this.#run()
  }

  /** Looks again soon. */
  hurry(): void {
    this.#wake()
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      await this.#pause()
      if (!this.#closed) await this.#look()
    }
  }

  async #look(): Promise<void> {
    const { groups, groupId, table, log } = this.#options
    try {
      const members = await groups.members(groupId)
      for (const { userData } of members) {
        const map = decodeMap(userData)
        if (map !== undefined) return table.learn(map)
      }
    } catch (error) {
      if (!this.#closed) log('warn', `the owners of ${groupId} are not known: ${String(error)}`)
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      let timer = setTimeout(resolve, this.#options.everyMs)
      this.#wake = () => {
        clearTimeout(timer)
        timer = setTimeout(resolve, this.#closed ? 0 : hurryMs)
        this.#wake = () => undefined
      }
    })
  }
}
