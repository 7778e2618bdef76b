import type { SchemaRegistry } from '../schema-registry.ts'
import type { ApiAnswer } from './api-answer.ts'

/** What the API counts itself. */
export interface RequestCounts {
  /** By HTTP status. */
  readonly answers: Map<number, number>
  /** Changes that were sent on to the registry that writes. */
  forwarded: number
}

type Operation = (registry: SchemaRegistry | undefined, counts: RequestCounts) => ApiAnswer

/** Answers 503 while the log is being read, and from when it cannot be followed any more. */
const health: Operation = (registry) => {
  if (!registry) return status(503, { status: 'starting' })
  const { self, isWriter, otherWriter, position, failure, skipped } = registry
  return status(failure ? 503 : 200, {
    status: failure ? 'down' : 'up',
    ...(failure && { reason: failure.message }),
    role: isWriter ? 'writer' : 'follower',
    ...self,
    writer: isWriter ? self : (otherWriter ?? null),
    position,
    skippedRecords: skipped.counts,
  })
}

const ready: Operation = (registry) =>
  registry && !registry.failure ? status(200, { ready: true }) : status(503, { ready: false })

/** In the text format of Prometheus. */
const metrics: Operation = (registry, counts) => {
  const lines = [
    ...metric('answers_total', 'counter', 'Requests answered, by HTTP status.', labelled('status', counts.answers)),
    ...metric('forwarded_total', 'counter', 'Changes sent on to the registry that writes.', [['', counts.forwarded]]),
  ]
  if (registry) {
    const skipped = labelled('reason', Object.entries(registry.skipped.counts))
    lines.push(
      ...metric('writer', 'gauge', '1 while this registry writes.', [['', registry.isWriter ? 1 : 0]]),
      ...metric('takeovers_total', 'counter', 'How often this registry became the writer.', [['', registry.takeovers]]),
      ...metric('log_position', 'gauge', 'Every record below this offset was applied.', [['', registry.position]]),
      ...metric('skipped_records_total', 'counter', 'Records of the log that were passed over.', skipped),
      ...metric('subjects', 'gauge', 'Subjects, deleted ones included.', [['', registry.state.subjectNames().length]]),
    )
  }
  const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }
  return { status: 200, headers, body: Buffer.from(`${lines.join('\n')}\n`) }
}

/** For whoever runs a registry; no part of Confluent's API. By path. */
export const OPERATION_ROUTES: Readonly<Record<string, Operation>> = {
  '/health': health,
  '/ready': ready,
  '/metrics': metrics,
}

type Sample = readonly [labels: string, value: number]

function metric(name: string, type: string, help: string, samples: readonly Sample[]): readonly string[] {
  const full = `keyfold_registry_${name}`
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...samples.map(([at, value]) => `${full}${at} ${value}`)]
}

function labelled(label: string, samples: Iterable<readonly [string | number, number]>): readonly Sample[] {
  return [...samples].map(([value, count]) => [`{${label}="${value}"}`, count])
}

function status(code: number, body: object): ApiAnswer {
  return { status: code, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(body)) }
}
