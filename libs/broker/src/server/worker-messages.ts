import { BrokerError, type BrokerErrorCode } from '../errors.ts'
import type { LogLine } from '../log.ts'
import type { RunningBroker } from '../running-broker.ts'

/** From the worker to whoever started it. */
export type WorkerMessage =
  | ({ type: 'ready' } & Omit<RunningBroker, 'stopped' | 'close'>)
  | { type: 'failed'; error: SentError }
  | { type: 'stopped'; error: SentError | undefined }
  | { type: 'log'; line: LogLine }

/** To the worker. */
export type WorkerCommand = 'close'

/** An error as it crosses a thread: classes do not survive that. */
export interface SentError {
  code: BrokerErrorCode
  message: string
  fix: string
  stack: string | undefined
}

export function toSent(error: unknown): SentError {
  if (error instanceof BrokerError) {
    const { code, message, fix, stack } = error
    return { code, message, fix, stack }
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  const unknown = new BrokerError('BROKER_FAILED', message, { cause: error })
  return { code: unknown.code, message, fix: unknown.fix, stack }
}

export function fromSent({ code, message, fix, stack }: SentError): BrokerError {
  const error = new BrokerError(code, message, { fix })
  if (stack !== undefined) error.stack = stack
  return error
}
