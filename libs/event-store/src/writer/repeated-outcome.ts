import type { DomainEvent } from '@keyfold/eventsourcing'
import type { CommandOutcome } from '../command-outcome.ts'
import { decodeRecord } from '../envelope.ts'
import { fail } from '../errors.ts'
import type { WriterContext } from './claim.ts'
import type { AcceptedCommand } from './command-ledger.ts'
import type { PendingCommand } from './pending-command.ts'
import { readPartition } from './read-partition.ts'
import type { StoredOutcome } from './state-records.ts'

/**
 * The answer to a command whose id the ledger knows: the original outcome, its events read back from the log. It is no
 * duplicate when this very call wrote it and did not learn of it.
 */
export async function repeatedOutcome(
  context: WriterContext,
  { request, batchIds }: PendingCommand,
  known: AcceptedCommand | StoredOutcome,
): Promise<CommandOutcome> {
  const { commandId } = request
  if (known.fingerprint !== request.fingerprint) {
    const error = fail('COMMAND_ID_REUSED', `command id ${commandId} was used for another command`, {
      details: { commandId },
    })
    return { kind: 'failed', error, commandId }
  }
  const duplicate = !batchIds.includes(known.batchId)
  const { version } = known
  if (known.kind === 'Accepted') {
    const position = { topic: context.aggregate.topic, partition: context.partition, offset: known.lastOffset }
    try {
      return { kind: 'committed', version, position, events: await readBack(context, known), duplicate, commandId }
    } catch (cause) {
      const error = fail('OUTCOME_UNKNOWN', `${commandId} was committed, but its events could not be read`, { cause })
      return { kind: 'unknown', error, commandId }
    }
  }
  const { rejection, lastOffset } = known
  if (rejection !== undefined) return { kind: 'rejected', rejection, version, duplicate, commandId }
  const { aggregate, partition } = context
  const position = lastOffset === undefined ? null : { topic: aggregate.topic, partition, offset: lastOffset }
  return { kind: 'committed', version, position, events: [], duplicate, commandId }
}

async function readBack(
  context: WriterContext,
  { key, lastOffset, size }: AcceptedCommand,
): Promise<readonly DomainEvent[]> {
  const { aggregate, codec, kafka, partition } = context
  const range = { topic: aggregate.topic, partition, fromOffset: lastOffset - size + 1, endOffset: lastOffset + 1 }
  const events: DomainEvent[] = []
  for await (const records of readPartition(kafka, range)) {
    const own = records.filter(({ offset }) => offset <= lastOffset)
    await codec.prepare(own.flatMap(({ value }) => value ?? []))
    for (const record of own) {
      const stored = decodeRecord(record, codec)
      events.push(...stored.events.map((event) => (stored.key === key ? event : { ...event, key: stored.key })))
    }
  }
  return events
}
