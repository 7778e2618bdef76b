interface LogEvent {
  readonly level: 'info' | 'warn' | 'error'
  readonly meaning: string
}

/** Every event that the broker and its storage log: the name never changes, its fields may become more. */
export const logEvents: Readonly<Record<string, LogEvent>> = {
  'broker.ready': { level: 'info', meaning: 'It has recovered and accepts connections.' },
  'broker.closed': { level: 'info', meaning: 'It has ended because it was asked to; everything is on the disk.' },
  'broker.failed': { level: 'error', meaning: 'It has ended by itself: `code` and `reason` say why.' },
  'broker.not-durable': {
    level: 'warn',
    meaning: '`keyfold.durability` is not fsync: `lostAtPowerFailure` says what a power cut can take.',
  },
  'listener.failed': { level: 'error', meaning: 'A listening socket has an error.' },
  'connection.refused': {
    level: 'warn',
    meaning: 'A connection beyond `max.connections` or `max.connections.per.ip`.',
  },
  'connection.closed': {
    level: 'warn',
    meaning: 'The broker ended a connection because of what came over it, or too slowly: `reason`.',
  },
  'connection.idle': {
    level: 'info',
    meaning: 'A connection ended after `connections.max.idle.ms` without a request.',
  },
  'transactions.aborted-at-start': {
    level: 'info',
    meaning: 'Transactions without a durable end when the broker stopped; their producers are fenced.',
  },
  'transaction.timed-out': {
    level: 'warn',
    meaning: 'A transaction took longer than its producer had said, and was aborted.',
  },
  'retention.deleted': {
    level: 'info',
    meaning: 'Segments of a partition deleted for `retention.ms` or `retention.bytes`.',
  },
  'compaction.done': { level: 'info', meaning: 'A log was compacted.' },
  'compaction.failed': { level: 'warn', meaning: 'A log could not be compacted; it is tried again.' },
  'compaction.stopped': { level: 'warn', meaning: 'A round of compaction ended early; the next one begins as usual.' },
  'storage.recovered': { level: 'info', meaning: 'Checkpoint and journal are read.' },
  'storage.checkpoint': { level: 'info', meaning: 'A checkpoint is written; older journal files are free.' },
  'storage.disk-full': { level: 'warn', meaning: 'A checkpoint found no room; records can be read, not written.' },
  'journal.no-space-ahead': { level: 'warn', meaning: 'The next journal file could not be made ahead of need.' },
  'journal.tail-cut': { level: 'warn', meaning: 'A torn end of the journal, never acknowledged, was cut off.' },
  'partition.damaged': {
    level: 'warn',
    meaning: 'A segment file is damaged: its partition is offline, nothing was cut.',
  },
}
