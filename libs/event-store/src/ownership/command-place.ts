import type { CommandOutcome } from '../command-outcome.ts'
import type { PartitionWriter } from '../writer/partition-writer.ts'
import type { CommandRequest } from '../writer/pending-command.ts'

/** Where the commands for a partition are decided, as whoever has one sees it. */
export interface CommandPlace {
  /** Never rejects. */
  submit(aggregate: string, partition: number, request: CommandRequest): Promise<CommandOutcome>
  close(): Promise<void>
}

/** One process owns every partition: no group, no port. Another one of the same application fences it. */
export async function ownAlone(
  writers: ReadonlyMap<string, readonly PartitionWriter[]>,
  claimsAtOnce: number,
): Promise<CommandPlace> {
  const all = [...writers.values()].flat()
  await startAll(all, claimsAtOnce)
  return {
    submit(aggregate, partition, request) {
      const writer = writers.get(aggregate)?.[partition]
      if (writer === undefined) throw new TypeError(`no writer for partition ${partition} of ${aggregate}`)
      return writer.submit(request)
    },
    async close() {
      await Promise.all(all.map((writer) => writer.close()))
    },
  }
}

/** Starts writers, some at a time, in order. */
async function startAll(writers: readonly PartitionWriter[], atOnce: number): Promise<void> {
  const waiting = [...writers]
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next.start()
    }),
  )
}
