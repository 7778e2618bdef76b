import type { BrokerError } from '../errors.ts'

/** What can be known of a broker from outside its parts. */
export interface HealthFacts {
  readonly phase: 'recovering' | 'serving' | 'closing'
  /** Why it ends by itself. */
  readonly failure: Pick<BrokerError, 'code' | 'message' | 'fix'> | undefined
  /** False while the disk takes nothing more. */
  readonly acceptsWrites: boolean
}

export interface HealthReason {
  readonly code: string
  readonly message: string
  /** What to do about it. */
  readonly fix: string
}

/** What /health and /ready say: everything that stands against "ok". */
export interface HealthReport {
  readonly status: 'ok' | 'failing'
  readonly reasons: readonly HealthReason[]
}

/** Whether the process is worth keeping: it answers, and its disk has not failed. */
export function liveness({ failure }: HealthFacts): HealthReport {
  return report(failure === undefined ? [] : [reasonOf(failure)])
}

/** Whether clients should be sent here: recovered, open for connections, able to write. */
export function readiness({ phase, failure, acceptsWrites }: HealthFacts): HealthReport {
  if (failure !== undefined) return report([reasonOf(failure)])
  if (phase !== 'serving') return report([phases[phase]])
  return report(acceptsWrites ? [] : [diskFull])
}

const phases = {
  recovering: {
    code: 'RECOVERING',
    message: 'the broker is reading its data directory',
    fix: 'Wait: it becomes ready by itself.',
  },
  closing: {
    code: 'SHUTTING_DOWN',
    message: 'the broker is closing and accepts no connections',
    fix: 'Start it again if it should run.',
  },
} as const satisfies Record<string, HealthReason>

const diskFull: HealthReason = {
  code: 'DISK_FULL',
  message: 'the disk has no room for the journal: records can be read, not written',
  fix: 'Free space on the disk of the data directory; the broker goes on by itself.',
}

function report(reasons: readonly HealthReason[]): HealthReport {
  return { status: reasons.length === 0 ? 'ok' : 'failing', reasons }
}

function reasonOf({ code, message, fix }: HealthReason): HealthReason {
  return { code, message, fix }
}
