import { defineErrors } from '@keyfold/eventsourcing'

/** The errors of the in-memory client have the codes of the real one. */
export const fail = defineErrors({
  UNKNOWN_TOPIC_OR_PARTITION: { retriable: true, fix: 'create the topic first: ensureTopics' },
  OFFSET_OUT_OF_RANGE: { retriable: false, fix: 'read from an offset between the start and the end of the partition' },
  OFFSET_UNEXPECTED: { retriable: true, fix: 'read the partition to its end again' },
  KAFKA_CLIENT_CLOSED: { retriable: false, fix: 'open another client' },
  PRODUCER_FENCED: { retriable: false, fix: 'open a new producer' },
  TRANSACTION_ABORTED: { retriable: true, fix: 'commit again' },
  REQUEST_TIMED_OUT: { retriable: true, fix: 'open a new producer, which settles the transaction, and read' },
  EVENT_UNKNOWN: { retriable: false, fix: 'register the event type with the codec' },
  EVENT_DOES_NOT_FIT: { retriable: false, fix: 'make the event fit its newest schema' },
  SCHEMA_UNKNOWN: { retriable: false, fix: 'prepare the value before it is decoded' },
  VALUE_UNREADABLE: { retriable: false, fix: 'values need the wire format of this codec' },
})
