import avsc from 'avsc'
import { eachCommitted } from '../log-reader.ts'
import type { LogEvent } from './history.ts'
import { DEPOSITED_SCHEMA, TOPIC } from './ledger.ts'

/** All committed events, as somebody reads them who knows nothing of Keyfold: plain kafkajs and plain avsc. */
export async function readLedger(broker: string): Promise<readonly LogEvent[]> {
  const type = avsc.Type.forSchema(DEPOSITED_SCHEMA as never)
  const events: LogEvent[] = []
  await eachCommitted(broker, TOPIC, async ({ partition, message: { key, value, offset, headers = {} } }) => {
    const { amount, note } = type.fromBuffer((value as Buffer).subarray(5)) as { amount: number; note: string }
    const version = BigInt(String(headers['keyfold-version']))
    events.push({ partition, offset: Number(offset), key: String(key), version, amount: BigInt(amount), note })
  })
  return events.toSorted((left, right) => left.partition - right.partition || left.offset - right.offset)
}
