import { KafkaError } from '@keyfold/protocol'

/** What a client's idea of the leader epoch means (KIP-320); -1 for "it does not say". */
export function epochProblem(said: number, current: number): KafkaError | undefined {
  if (said < 0 || said === current) return undefined
  return said < current ? KafkaError.FENCED_LEADER_EPOCH : KafkaError.UNKNOWN_LEADER_EPOCH
}
