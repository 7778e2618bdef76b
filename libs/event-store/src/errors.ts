import { defineErrors, type ErrorParticulars, type ErrorRow, KeyfoldError } from '@keyfold/eventsourcing'

const errors = {
  // Commands: definitely nothing happened.
  COMMAND_UNKNOWN: { retriable: false, fix: 'give the aggregate that handles this command to the event store' },
  COMMAND_INVALID: { retriable: false, fix: 'correct the members that the issues name' },
  COMMAND_ID_REUSED: { retriable: false, fix: 'use a new command id for a new command' },
  COMMAND_FAILED: { retriable: false, fix: 'correct the handler: it threw instead of rejecting' },
  COMMAND_TOO_LARGE: { retriable: false, fix: 'emit fewer or smaller events with one command' },
  EXPECTED_VERSION_CONFLICT: { retriable: true, fix: 'read the aggregate again and decide anew' },
  EVENT_UNKNOWN: {
    retriable: false,
    fix: 'list the event in the aggregate (`evolve` or `emits`), or give it an upcaster: `renamed` or `dropped`',
  },
  EVENT_DOES_NOT_FIT: { retriable: false, fix: 'correct the value, or add a schema version that holds it' },
  DEADLINE_EXCEEDED: { retriable: true, fix: 'try again, or allow more time: the command was still waiting' },
  OVERLOADED: { retriable: true, fix: 'try again later, or use more partitions' },
  NOT_OWNER: {
    retriable: true,
    fix: 'send the command to the instance that owns the partition now; where each owns them alone only one may run: stop one, restart the one that stays, or let them share (`ownership: "shared"`)',
  },
  WRITE_REFUSED: { retriable: false, fix: 'see the cause: the cluster does not take this record' },
  EVENT_STORE_CLOSED: { retriable: true, fix: 'send the command to an instance that is running' },
  // A call whose end is not known.
  OUTCOME_UNKNOWN: { retriable: true, fix: 'ask again with the same command id' },
  // Partitions that must not be written to.
  LOG_CORRUPT_VERSION: {
    retriable: false,
    fix: 'find out who else writes to this topic: only the event store may; then copy the sound events to a new topic',
  },
  PARTITION_REFUSED: { retriable: false, fix: 'see the cause; the partition is opened again at the next start' },
  TOPIC_MISMATCH: { retriable: false, fix: 'give the topic and its state topic the same number of partitions' },
  AGGREGATE_ELSEWHERE: {
    retriable: false,
    fix: 'give aggregates that are decided on together one partition key: `partitionKey` of the aggregate',
  },
  STATE_STORE_LOST: {
    retriable: true,
    fix: 'none is needed: the partition is claimed again; look at the disk when it goes on',
  },
  // Schemas.
  SCHEMA_INCOMPATIBLE: { retriable: false, fix: 'change the new version so that it can read every earlier one' },
  SCHEMA_NOT_REGISTERED: { retriable: true, fix: 'register the version first' },
  SCHEMA_UNKNOWN: { retriable: true, fix: 'prepare the values before decoding them, or register the schema' },
  REGISTRY_UNREACHABLE: { retriable: true, fix: 'start the schema registry, or correct SCHEMA_REGISTRY_URL' },
  REGISTRY_REFUSED: { retriable: false, fix: 'see the answer of the schema registry' },
  UPCASTERS_INVALID: { retriable: false, fix: 'correct the upcasters that the message names' },
  UPCASTER_FAILED: {
    retriable: false,
    fix: 'correct the upcaster: it must give a valid event for every event that was ever stored',
  },
  EVENT_NAME_TAKEN: { retriable: false, fix: 'give one of the two events another full name' },
  // What keeps an event store from starting.
  PEER_LISTEN_FAILED: {
    retriable: false,
    fix: 'choose another address or port for other instances: `ownership.listen`',
  },
  GROUPS_UNSUPPORTED: { retriable: false, fix: 'use a Kafka client with groups, or `ownership: "alone"`' },
  PREFLIGHT_REFUSED: {
    retriable: false,
    fix: 'correct the topics and nodes as the findings say; `preflight: "warn"` starts all the same',
  },
  GATE_REFUSED: {
    retriable: false,
    fix: 'correct the schemas or upcasters as the findings say; `gate: { mode: "warn" }` starts all the same',
  },
  // Queries.
  AGGREGATE_UNKNOWN: { retriable: false, fix: 'take one of the names that there are' },
  VERSION_NOT_REACHED: { retriable: false, fix: 'ask for a version that the aggregate has' },
  // Replays.
  REPLAY_RECORD_INVALID: { retriable: false, fix: 'record the states again, with the code to compare with' },
  // Stored records.
  VALUE_UNREADABLE: { retriable: false, fix: 'see the cause; the record was not written by an event store' },
  ENVELOPE_UNREADABLE: { retriable: false, fix: 'read only topics that an event store writes' },
} as const satisfies Readonly<Record<string, ErrorRow>>

export type EventStoreErrorCode = keyof typeof errors
export type EventStoreError = KeyfoldError<EventStoreErrorCode>

/** Makes an error of the event store. */
export const fail: (code: EventStoreErrorCode, message: string, particulars?: ErrorParticulars) => EventStoreError =
  defineErrors(errors)

/** The error itself when it has a code already, otherwise wrapped in one. */
export function asKeyfoldError(error: unknown, code: EventStoreErrorCode, message: string): KeyfoldError {
  if (error instanceof KeyfoldError) return error
  return fail(code, `${message}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
}
