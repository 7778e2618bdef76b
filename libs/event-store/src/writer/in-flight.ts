import type { PendingCommand } from './pending-command.ts'

/** What the map may have taken in, beyond twice what it holds, before it is made anew. */
const sparesMax = 256

/**
 * Every command at work, by id. Each is here for the moment of a commit, thousands of times a second, and an old map is
 * bad at that: its tables lead to the ones that took their place, so that once one of them counts as old all the
 * commands since stay with it until the next collection of everything. A new map now and then ends the chain; without it
 * pauses were five times as long.
 */
export class InFlight {
  #commands = new Map<string, PendingCommand>()
  #taken = 0

  get(commandId: string): PendingCommand | undefined {
    return this.#commands.get(commandId)
  }

  add(pending: PendingCommand): void {
    this.#commands.set(pending.request.commandId, pending)
    if (++this.#taken < 2 * this.#commands.size + sparesMax) return
    this.#commands = new Map(this.#commands)
    this.#taken = 0
  }

  remove({ request }: PendingCommand): void {
    this.#commands.delete(request.commandId)
  }

  /** Whether it is this very call, and not another one with its id, that is at work. */
  has(pending: PendingCommand): boolean {
    return this.#commands.get(pending.request.commandId) === pending
  }
}
