import { defineErrors } from '@keyfold/eventsourcing'

/** What can go wrong on the read side, and what to do about it. */
export const fail = defineErrors({
  PROJECTOR_UNKNOWN: { retriable: false, fix: 'use the name of a projector that was given to openProjections' },
  PROJECTOR_NOT_STARTED: { retriable: true, fix: 'start it first: projections.startProjector(name)' },
  PROJECTOR_PAUSED: { retriable: true, fix: 'resume it first: projections.resume(name)' },
  STORE_UNKNOWN: {
    retriable: false,
    fix: 'give openProjections a store under this name, or name another in the projector',
  },
  STORE_DRIVER_MISSING: { retriable: false, fix: 'install it beside @keyfold/projections: npm install pg' },
  TOPIC_MISSING: {
    retriable: true,
    fix: 'create the topic before the projector starts, or correct its name in "from"',
  },
  TOPIC_NOT_READ: { retriable: false, fix: 'name a topic that the projector reads, or another projector' },
  EFFECTS_NOT_REPEATED: {
    retriable: false,
    fix: 'name the projector itself, without .effects: its effects never run for events of the past',
  },
  SETUP_FAILED: { retriable: false, fix: "correct the projector's setup or indexes: see the cause" },
  SCRATCH_MISSING: {
    retriable: false,
    fix: 'give the store of this projector a method `scratch`, or try the events in a test: givenEvents of @keyfold/testing',
  },
  DEBUG_RANGE_INVALID: { retriable: false, fix: 'correct what the message names' },
  DEBUG_RUNNING: { retriable: true, fix: 'try again when the events that are being tried now are done' },
  REBUILD_MISSING: { retriable: true, fix: 'start a rebuild first: projections.rebuild(name)' },
  GENERATION_MISSING: {
    retriable: false,
    fix: 'deploy the version of the code that a kept generation was made by, or rebuild',
  },
  PROJECTOR_LED: {
    retriable: true,
    fix: 'another process starts, rebuilds or mends this projector at the moment: try again when it is done',
  },
  REBUILD_RUNNING: { retriable: true, fix: 'wait until the running rebuild has ended' },
  CHECKPOINT_FENCED: {
    retriable: false,
    fix: 'another process has taken over this projector: stop one of the two, then start the projector again',
  },
  HANDLER_FAILED: {
    retriable: false,
    fix: 'correct the handler (or what it depends on), then start the projector again: it goes on at this event',
  },
  EVENT_UNREADABLE: {
    retriable: false,
    fix: 'see the cause: the stored record is no event that this code and the schema registry can read',
  },
  EVENT_TYPE_UNKNOWN: {
    retriable: false,
    fix: "deploy the code that knows this event, or let the projector pass such events: onUnknownEvent: 'park' or 'skip'",
  },
  HISTORY_MISSING: {
    retriable: false,
    fix: 'event topics need retention.ms=-1 and no deleted records; restore them, or rebuild from what is left on purpose',
  },
  PARKED_TOO_MANY: {
    retriable: false,
    fix: 'this is more than the trouble of some keys: correct the cause, start the projector again, retry what is parked',
  },
  PROJECTOR_HALTED: { retriable: true, fix: 'start the projector again first: projections.startProjector(name)' },
  READ_MODEL_UNWRITABLE: { retriable: true, fix: 'make the directory writable for this user, or choose another' },
  READ_MODEL_CORRUPT: {
    retriable: false,
    fix: 'delete the file while nothing runs: the read model is built again from the log',
  },
  READ_MODEL_FAILED: { retriable: true, fix: 'see the cause; the transaction was rolled back and nothing is lost' },
  READ_MODEL_UNAVAILABLE: {
    retriable: true,
    fix: 'check that the database runs and lets this user in; projectors go on by themselves when it is back',
  },
  INTEGER_TOO_LARGE: { retriable: false, fix: 'read it as a bigint: tx.bigints.get(…) or tx.bigints.all(…)' },
  TRANSACTION_OVER: {
    retriable: false,
    fix: 'await everything a handler starts, and let no statement of it end the transaction (such as INSERT OR ROLLBACK)',
  },
  VERIFICATION_FAILED: {
    retriable: false,
    fix: 'the old generation goes on serving: compare the two, correct the projector, raise its version, rebuild',
  },
  PROJECTIONS_CLOSED: { retriable: false, fix: 'open the projections again' },
})

/** Whether the error has this code, whichever library it comes from. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === code
}

/**
 * Whether an error, or one that it wraps, says that the database is away, or that the registry does not have a schema yet:
 * nothing is wrong with events or handlers.
 */
export function isOutage(error: unknown): boolean {
  return isCausedBy(error, 'READ_MODEL_UNAVAILABLE') || isCausedBy(error, 'SCHEMA_UNKNOWN')
}

/** Whether an error, or one that it wraps, has this code. */
export function isCausedBy(error: unknown, code: string): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++)
    if (hasCode(at, code)) return true
  return false
}

/** Whether the error says of itself that the same call may succeed later. */
export function isRetriable(error: unknown): boolean {
  return error instanceof Error && (error as { retriable?: unknown }).retriable === true
}

/** An error's text on one line, for messages that wrap it. */
export function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, ' ')
}
