import { KafkaError } from '@keyfold/protocol'

/** Clients of before KIP-588 do not know PRODUCER_FENCED; to them a fenced producer has an invalid epoch. */
export function fencedCodeFor(version: number, versionWithFenced: number, errorCode: number): number {
  const isUnknown = version < versionWithFenced && errorCode === KafkaError.PRODUCER_FENCED.code
  return isUnknown ? KafkaError.INVALID_PRODUCER_EPOCH.code : errorCode
}

/** Clients of before KIP-1050 do not know TRANSACTION_ABORTABLE; to them the transaction is in the wrong state. */
export function abortableCodeFor(version: number, versionWithAbortable: number, error: KafkaError): number {
  const isUnknown = version < versionWithAbortable && error === KafkaError.TRANSACTION_ABORTABLE
  return (isUnknown ? KafkaError.INVALID_TXN_STATE : error).code
}
