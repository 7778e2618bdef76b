import type { LogWrite } from '../state/schema-record.ts'

/** What a change comes to: the records to append, none when nothing changes, and the answer once they are durable. */
export interface Decision<Answer> {
  readonly writes: readonly LogWrite[]
  readonly answer: Answer
}

export function nothingToWrite<Answer>(answer: Answer): Decision<Answer> {
  return { writes: [], answer }
}
