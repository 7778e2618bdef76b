import type { AvroErrorCode } from '@keyfold/avro'
import type { BrokerErrorCode } from '@keyfold/broker'
import type { EventStoreErrorCode } from '@keyfold/event-store'
import type { KafkaErrorCode } from '@keyfold/kafka'
import type { ErrorRow } from './error-table.ts'

/** What the errors of the libraries mean on a command line. The compiler sees to it that none is missing. */
export const libraryErrors = {
  KAFKA_UNREACHABLE: {
    exit: 'unreachable',
    why: 'Nobody answers at that address, or the broker tells its clients an address that leads nowhere from here',
    fix: 'Start one (keyfold broker start), or name one that runs with --brokers or KAFKA_BROKERS',
  },
  KAFKA_INCOMPATIBLE: {
    exit: 'unreachable',
    why: 'The broker lacks a request, or the version of it, that the command needs',
    fix: 'Use Apache Kafka 2.3 or newer (some commands need a newer one), or the bundled broker',
  },
  KAFKA_CLIENT_CLOSED: {
    exit: 'interrupted',
    why: 'The command was stopped while it waited for the cluster',
    fix: 'Run it again',
  },
  KAFKA_TIMEOUT: {
    exit: 'unreachable',
    why: 'The cluster took the request and did not answer in time',
    fix: 'Look at the health of the cluster: keyfold broker status, keyfold topics describe',
  },
  OFFSET_OUT_OF_RANGE: {
    exit: 'usage',
    why: 'The partition does not hold that offset: it was deleted by retention, or has not been written yet',
    fix: 'Begin where the partition begins: keyfold topics describe shows its first and last offset',
  },
  OFFSET_UNEXPECTED: {
    exit: 'found',
    why: 'The partition holds records that were not there when its end was asked for',
    fix: 'Run it again',
  },
  UNKNOWN_TOPIC_OR_PARTITION: {
    exit: 'usage',
    why: 'The cluster has no such topic, or the topic has fewer partitions',
    fix: 'Compare with keyfold topics list, or make it with keyfold topics create',
  },
  TOPIC_REFUSED: {
    exit: 'usage',
    why: 'The name of the topic or one of its settings is not acceptable to the broker',
    fix: 'Correct it as the broker says: names have letters, digits, dots, underscores and hyphens, 249 at most',
  },
  TOPIC_EXISTS: {
    exit: 'usage',
    why: 'A topic of that name is there already',
    fix: 'Choose another name, or use that one: keyfold topics describe',
  },
  GROUP_NOT_FOUND: {
    exit: 'usage',
    why: 'No group of that name has members or offsets',
    fix: 'Compare with keyfold groups list',
  },
  GROUP_ACTIVE: {
    exit: 'refused',
    why: 'The group has members: they would go on from where they are and overwrite the new offsets',
    fix: 'Stop the consumers of the group, wait until keyfold groups describe shows no members, then try again',
  },
  RECORDS_CORRUPT: {
    exit: 'found',
    why: 'A stored batch cannot be read: its checksum is wrong, it is cut, or it decompresses to more than it may',
    fix: 'Check the disk of the broker; with the bundled one: keyfold broker verify',
  },
  COMPRESSION_UNSUPPORTED: {
    exit: 'usage',
    why: 'Records are compressed with something that this machine cannot decompress',
    fix: 'Install the optional packages snappy and lz4-napi, which npm brings along unless told otherwise',
  },
  AUTHENTICATION_FAILED: {
    exit: 'unreachable',
    why: 'The broker does not accept the user name or the password',
    fix: 'Check the mechanism, the user name and the password',
  },
  PRODUCER_FENCED: {
    exit: 'found',
    why: 'A newer producer has taken the transactional id over',
    fix: 'Nothing: the newer one goes on',
  },
  TRANSACTION_TIMED_OUT: {
    exit: 'found',
    why: 'The cluster aborted a transaction that took longer than its producer had said',
    fix: 'Try again',
  },
  TRANSACTION_UNDECIDED: {
    exit: 'found',
    why: 'A partition has records of a transaction without an end, and nobody knows how it ended',
    fix: 'Decide by hand: kafka-transactions abort gives the records up',
  },
  BROKER_REFUSED: {
    exit: 'found',
    why: 'The broker answered with an error that says that the request itself is at fault',
    fix: 'Look the broker error up by its name; the log of the broker may say more',
  },
  BROKER_BUSY: {
    exit: 'unreachable',
    why: 'The cluster elects a leader or loads its state, and did so for longer than the command waits',
    fix: 'Try again',
  },
  PORT_IN_USE: {
    exit: 'usage',
    why: 'Another process listens on that port',
    fix: 'Stop it, or choose another port; 0 takes a free one',
  },
  LISTEN_FAILED: {
    exit: 'usage',
    why: 'The address is not one of this machine, or the port is not open to this user',
    fix: 'Choose an address of this machine and a port above 1023',
  },
  DATA_DIRECTORY_LOCKED: {
    exit: 'usage',
    why: 'A broker is using this data directory; two at once would destroy it',
    fix: 'Stop that process, or give this broker a directory of its own with --data',
  },
  DATA_DIRECTORY_UNUSABLE: {
    exit: 'usage',
    why: 'The data directory does not exist, is not one of a broker, or may not be written',
    fix: 'Choose a directory on a local disk that this user may create and write',
  },
  JOURNAL_CORRUPT: {
    exit: 'usage',
    why: 'The journal has damage in a place that a crash does not explain, so starting would lose acknowledged records',
    fix: 'Restore the directory from a backup; keyfold broker verify says what is wrong',
  },
  CHECKPOINT_CORRUPT: {
    exit: 'usage',
    why: 'The checkpoint of the data directory cannot be read',
    fix: 'Restore the directory from a backup; keyfold broker verify says what is wrong',
  },
  FORMAT_UNSUPPORTED: {
    exit: 'usage',
    why: 'Another version of Keyfold wrote this data directory',
    fix: 'Start that version, or choose another directory',
  },
  STORAGE_FAILED: {
    exit: 'usage',
    why: 'The disk refused to read, write or sync; a broker that goes on after that could lose what it acknowledged',
    fix: 'Check free space and the system log, then start the broker again: it recovers by itself',
  },
  CONFIG_INVALID: { exit: 'usage', why: 'A setting of the broker has a value that cannot be', fix: 'Correct it' },
  BROKER_FAILED: {
    exit: 'usage',
    why: 'A fault in the broker ended it',
    fix: 'Report it with the text, then start the broker again',
  },
  AVRO_SCHEMA_INVALID: {
    exit: 'usage',
    why: 'The text is not an Avro schema',
    fix: 'Correct it at the place that the message names',
  },
  AVRO_SCHEMA_TOO_LARGE: { exit: 'usage', why: 'The schema is larger than is accepted', fix: 'Split it' },
  AVRO_SCHEMA_UNSUPPORTED: {
    exit: 'usage',
    why: 'The schema is valid, but values of it cannot be encoded',
    fix: 'Give every union and enum at least one member',
  },
  AVRO_VALUE_DOES_NOT_FIT: {
    exit: 'usage',
    why: 'The value is not one of the schema: a field is missing, unknown, or of another type',
    fix: 'Correct the value at the path that the message names',
  },
  AVRO_CANNOT_READ: {
    exit: 'usage',
    why: 'The two versions of the schema are not compatible',
    fix: 'Give new fields a default and renamed ones an alias',
  },
  AVRO_BODY_CORRUPT: {
    exit: 'usage',
    why: 'The bytes of a record are not what its schema says',
    fix: 'Check that the registry is the one the producer used',
  },
  AVRO_WIRE_FORMAT: {
    exit: 'usage',
    why: 'The record does not begin with a zero byte and a schema id',
    fix: 'Read it without a schema, or check its producer',
  },
  AVRO_WRITER_UNKNOWN: {
    exit: 'usage',
    why: 'The schema that a record was written with is not in the registry',
    fix: 'Check that the registry is the one the producer used',
  },
  AVRO_READER_UNKNOWN: {
    exit: 'usage',
    why: 'A record holds a type for which the reader has no schema',
    fix: 'Add the schema of that type, or read another topic',
  },
  AVRO_HISTORY_INVALID: {
    exit: 'usage',
    why: 'A version of a schema cannot read what an earlier one wrote',
    fix: 'Give new fields a default and renamed ones an alias',
  },
  REPLAY_RECORD_INVALID: {
    exit: 'usage',
    why: 'The file is no whole record of states, or its topics are not those of this cluster',
    fix: 'Record the states again with the code to compare with',
  },
  UPCASTERS_INVALID: {
    exit: 'usage',
    why: 'Upcasters have gaps, overlap, go in circles, or name events and versions that the code does not have',
    fix: 'Correct the upcasters that the message names',
  },
  VERSION_NOT_REACHED: {
    exit: 'usage',
    why: 'The aggregate has fewer events than that version',
    fix: 'Ask for a version that it has: keyfold aggregate show without --at says which is its last',
  },
  COMMAND_INVALID: {
    exit: 'usage',
    why: 'The command does not fit its schema, or does not name its aggregate',
    fix: 'Correct the members that the message names',
  },
  EVENT_NAME_TAKEN: {
    exit: 'usage',
    why: 'Two events of one topic have the same full name',
    fix: 'Give one of the two another full name',
  },
} as const satisfies Readonly<Record<KafkaErrorCode | BrokerErrorCode | AvroErrorCode | ReplayErrorCode, ErrorRow>>

/** Those of the event store that a replay can end with; its others are about commands. */
type ReplayErrorCode = Extract<
  EventStoreErrorCode,
  'REPLAY_RECORD_INVALID' | 'UPCASTERS_INVALID' | 'EVENT_NAME_TAKEN' | 'VERSION_NOT_REACHED' | 'COMMAND_INVALID'
>
