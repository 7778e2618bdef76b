import { defineErrors } from '@keyfold/eventsourcing'

/** What the Nest layer itself can fail with. Errors of the layers below pass through as they are. */
export const ERRORS = {
  OPTIONS_INVALID: { retriable: false, fix: 'correct the option or environment variable that the message names' },
  NAME_TAKEN: { retriable: false, fix: 'give one of the two another name; names are the identity of what is stored' },
  NOT_STARTED: {
    retriable: true,
    fix: 'wait until the application has started: use it in onApplicationBootstrap or later',
  },
  COMMAND_REJECTED: { retriable: false, fix: 'read the rejection code: the domain says why' },
} as const

export const fail = defineErrors(ERRORS)
