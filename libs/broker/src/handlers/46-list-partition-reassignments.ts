import { KafkaError, ListPartitionReassignments } from '@keyfold/protocol'
import { handler } from './handler.ts'

/**
 * ListPartitionReassignments (46), version 0.
 * Behaviour: there is one node, so nothing is ever on the move; Kafka's tools ask before they describe topics.
 * Versions: only 0.
 * Not done: several nodes.
 */
export const listPartitionReassignments = handler(ListPartitionReassignments, () => ({
  errorCode: KafkaError.NONE.code,
  errorMessage: null,
  topics: [],
}))
