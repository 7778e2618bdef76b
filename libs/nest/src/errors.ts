import { defineErrors } from '@keyfold/eventsourcing'

/** What the Nest layer itself can fail with. Errors of the layers below pass through as they are. */
export const ERRORS = {
  OPTIONS_INVALID: { retriable: false, fix: 'correct the option or environment variable that the message names' },
  NAME_TAKEN: { retriable: false, fix: 'give one of the two another name; names are the identity of what is stored' },
  HANDLERS_MISSING: {
    retriable: false,
    fix: 'add the decorated methods that the message names, or take the class out',
  },
  EVENT_NOT_EMITTED: {
    retriable: false,
    fix: 'name an event that is there, or give the aggregate that emits it: `@Applies(Event)`, or `emits: [Event]`',
  },
  /** The same as the event store's: a command can be found wrong before it gets there. */
  COMMAND_INVALID: { retriable: false, fix: 'correct the members that the issues name' },
  COMMAND_UNHANDLED: { retriable: false, fix: 'give an aggregate a method with `@Handles` for it, or take it out' },
  ROLE_HAS_NONE: { retriable: false, fix: 'ask a process with the role `all`, `api` or `worker`' },
  PACKAGE_MISSING: { retriable: false, fix: 'install the package that the message names' },
  KAFKA_UNREACHABLE: {
    retriable: true,
    fix: 'start the cluster, correct KAFKA_BROKERS or `brokers`, or leave both out to use the bundled broker',
  },
  NOT_STARTED: {
    retriable: true,
    fix: 'wait until the application has started: use it in onApplicationBootstrap or later',
  },
  POSITION_INVALID: {
    retriable: false,
    fix: 'send Keyfold-Position as an answer gave it: topic/partition@offset, separated by commas',
  },
  COMMAND_REJECTED: { retriable: false, fix: 'read the rejection code: the domain says why' },
} as const

export const fail = defineErrors(ERRORS)
