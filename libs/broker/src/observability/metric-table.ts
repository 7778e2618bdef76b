/** What a metric is; its samples come from the collectors at the time of a scrape. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Names of its labels, in the order in which samples give their values. */
  readonly labels?: readonly string[]
  readonly help: string
}

const topicPartition = ['topic', 'partition'] as const

/**
 * Every metric of the broker, in the order of the answer. Names follow Prometheus: base units (seconds, bytes) and
 * `_total` for what only grows. Counters begin at 0 with the process.
 */
export const metricTable = {
  keyfold_broker_info: {
    type: 'gauge',
    labels: ['node_id', 'cluster_id', 'durability'],
    help: 'Always 1; which broker this is and when it calls records durable.',
  },
  keyfold_broker_ready: { type: 'gauge', help: '1 if /ready answers 200, else 0.' },
  keyfold_broker_accepts_writes: { type: 'gauge', help: '0 while the disk is full or has failed, else 1.' },

  keyfold_broker_requests_total: { type: 'counter', labels: ['api'], help: 'Requests that were begun.' },
  keyfold_broker_request_errors_total: {
    type: 'counter',
    labels: ['api', 'error'],
    help: 'Error codes in answers: one for each topic, partition, group or resource that has one.',
  },
  keyfold_broker_request_bytes_total: { type: 'counter', labels: ['api'], help: 'Bytes of requests as received.' },
  keyfold_broker_response_bytes_total: { type: 'counter', labels: ['api'], help: 'Bytes of answers as sent.' },
  keyfold_broker_request_duration_seconds: {
    type: 'histogram',
    labels: ['api'],
    help: 'From the arrival of a request to its answer being handed to the socket. Fetch, JoinGroup and SyncGroup wait on purpose.',
  },
  keyfold_broker_fetch_wait_seconds: {
    type: 'histogram',
    help: 'How long fetches that found too few bytes waited for more.',
  },
  keyfold_broker_fetch_read_seconds: {
    type: 'histogram',
    help: 'How long reading for a fetch took, its wait for data left out.',
  },

  keyfold_broker_connections: { type: 'gauge', help: 'Connections of clients.' },
  keyfold_broker_connections_accepted_total: { type: 'counter', help: 'Connections that were accepted.' },
  keyfold_broker_connections_refused_total: {
    type: 'counter',
    labels: ['limit'],
    help: 'Connections refused, by the setting that limits them.',
  },
  keyfold_broker_connections_closed_total: {
    type: 'counter',
    labels: ['by'],
    help: 'Connections that ended: by the client, idle, refused for what was sent, or with the broker.',
  },
  keyfold_broker_fetch_sessions: { type: 'gauge', help: 'Fetch sessions that are kept (KIP-227).' },
  keyfold_broker_fetch_session_slots: { type: 'gauge', help: 'Fetch sessions that can be kept.' },

  keyfold_broker_journal_sync_seconds: { type: 'histogram', help: 'How long the disk took to sync the journal.' },
  keyfold_broker_journal_block_bytes: {
    type: 'histogram',
    help: 'Bytes of one block of the journal, which one sync makes durable.',
  },
  keyfold_broker_journal_block_entries: { type: 'histogram', help: 'Entries in one block: batches, commits, changes.' },
  keyfold_broker_journal_block_records: { type: 'histogram', help: 'Records in one block.' },
  keyfold_broker_journal_pending_bytes: { type: 'gauge', help: 'Bytes that wait to be written to the journal.' },

  keyfold_broker_topics: { type: 'gauge', help: 'Topics.' },
  keyfold_broker_partitions: { type: 'gauge', help: 'Partitions of all topics.' },
  keyfold_broker_damaged_partitions: { type: 'gauge', help: 'Partitions offline because their files are damaged.' },
  keyfold_broker_log_bytes: { type: 'gauge', help: 'Bytes of all logs.' },
  keyfold_broker_topic_log_bytes: { type: 'gauge', labels: ['topic'], help: 'Bytes of the logs of a topic.' },
  keyfold_broker_partition_log_bytes: { type: 'gauge', labels: topicPartition, help: 'Bytes of a log.' },
  keyfold_broker_partition_log_start_offset: { type: 'gauge', labels: topicPartition, help: 'First offset of a log.' },
  keyfold_broker_partition_log_end_offset: {
    type: 'gauge',
    labels: topicPartition,
    help: 'Offset that the next record gets; its rate is that of records appended.',
  },
  keyfold_broker_partition_high_watermark: {
    type: 'gauge',
    labels: topicPartition,
    help: 'End of what is durable, and so of what anybody may read.',
  },
  keyfold_broker_partition_last_stable_offset: {
    type: 'gauge',
    labels: topicPartition,
    help: 'End of what readers of committed records may read.',
  },
  keyfold_broker_partition_last_stable_age_seconds: {
    type: 'gauge',
    labels: topicPartition,
    help: 'How long an open transaction has held the last stable offset; only partitions that have one.',
  },
  keyfold_broker_last_stable_age_seconds: {
    type: 'gauge',
    help: 'The greatest age of that kind, 0 if no partition has an open transaction.',
  },
  keyfold_broker_retention_deleted_segments_total: {
    type: 'counter',
    help: 'Segments deleted because of retention.ms and retention.bytes.',
  },
  keyfold_broker_retention_deleted_bytes_total: { type: 'counter', help: 'Bytes of those segments.' },

  keyfold_broker_groups: {
    type: 'gauge',
    labels: ['protocol', 'state'],
    help: 'Groups by protocol (classic, or consumer: KIP-848) and state.',
  },
  keyfold_broker_group_members: { type: 'gauge', labels: ['group'], help: 'Members of a group.' },
  keyfold_broker_group_lag_records: {
    type: 'gauge',
    labels: ['group'],
    help: 'Records behind the committed offsets of a group, over all its partitions.',
  },
  keyfold_broker_group_partition_lag_records: {
    type: 'gauge',
    labels: ['group', ...topicPartition],
    help: 'Records between the committed offset of a group and the high watermark.',
  },

  keyfold_broker_transactional_ids: { type: 'gauge', help: 'Transactional ids that are known.' },
  keyfold_broker_open_transactions: { type: 'gauge', help: 'Transactions that have begun and not ended.' },
  keyfold_broker_oldest_open_transaction_age_seconds: {
    type: 'gauge',
    help: 'Age of the oldest of them, 0 if there is none.',
  },
  keyfold_broker_transactions_timed_out_total: {
    type: 'counter',
    help: 'Transactions aborted because they took longer than their producer had said.',
  },

  keyfold_broker_event_loop_delay_seconds: {
    type: 'histogram',
    help: "How late a timer of the broker's thread ran, ten times a second.",
  },
  keyfold_broker_thread_cpu_seconds_total: { type: 'counter', help: "Processor time of the broker's thread." },
  keyfold_broker_heap_used_bytes: { type: 'gauge', help: "JavaScript heap in use in the broker's thread." },
  keyfold_broker_external_memory_bytes: { type: 'gauge', help: "Buffers outside that heap, of the broker's thread." },
  keyfold_broker_omitted_series: {
    type: 'gauge',
    labels: ['metric'],
    help: 'Samples of a metric that were left out, being more than keyfold.metrics.series.max.',
  },
  process_cpu_seconds_total: { type: 'counter', help: 'Processor time of the whole process.' },
  process_resident_memory_bytes: { type: 'gauge', help: 'Resident memory of the whole process.' },
  process_start_time_seconds: { type: 'gauge', help: 'When the process started, in seconds since 1970.' },
} as const satisfies Record<string, MetricDefinition>

export type MetricName = keyof typeof metricTable

/** The table as names with definitions, in order. */
export const metrics = Object.entries(metricTable) as readonly (readonly [MetricName, MetricDefinition])[]
