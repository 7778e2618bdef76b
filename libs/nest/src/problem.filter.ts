import { KeyfoldError } from '@keyfold/eventsourcing'
import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Inject,
  Logger,
  Optional,
} from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import { CommandRejected } from './command-bus.ts'

/** An RFC 9457 problem document. `code` and `fix` are the error's own. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly fix?: string
  readonly retriable?: boolean
  readonly details?: Readonly<Record<string, unknown>>
}

export interface ProblemFilterOptions {
  /** HTTP statuses of the domain's rejection codes; the others are 422. */
  readonly rejections?: Readonly<Record<string, number>>
}

/** Provides `ProblemFilterOptions` to a filter that Nest makes. */
const PROBLEM_FILTER_OPTIONS = Symbol('keyfold.problem-filter')

/** Answers every error of an HTTP application with `application/problem+json`, without stack traces. */
@Catch()
export class KeyfoldProblemFilter implements ExceptionFilter {
  readonly #adapterHost: HttpAdapterHost
  readonly #rejections: Readonly<Record<string, number>>
  readonly #logger = new Logger('Http')

  constructor(
    @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost,
    @Optional() @Inject(PROBLEM_FILTER_OPTIONS) options: ProblemFilterOptions = {},
  ) {
    this.#adapterHost = adapterHost
    this.#rejections = options.rejections ?? {}
  }

  catch(exception: unknown, host: ArgumentsHost): void {
    const problem = problemOf(exception, this.#rejections)
    if (problem.status === 500) this.#logger.error(exception)
    const { httpAdapter } = this.#adapterHost
    const response: unknown = host.switchToHttp().getResponse()
    httpAdapter.setHeader(response, 'content-type', 'application/problem+json')
    httpAdapter.reply(response, JSON.stringify(problem), problem.status)
  }
}

/** The problem document of any error. Unknown errors say nothing about their inside. */
export function problemOf(exception: unknown, rejections: Readonly<Record<string, number>> = {}): Problem {
  if (exception instanceof CommandRejected) {
    const { code, message, details } = exception.rejection
    return problem(rejections[code] ?? 422, code, message, { details })
  }
  if (exception instanceof KeyfoldError) {
    const { code, message, fix, retriable, details } = exception
    return problem(STATUS_OF_CODE[code] ?? (retriable ? 503 : 500), code, message, { fix, retriable, details })
  }
  if (exception instanceof HttpException) return problemOfHttp(exception)
  return problem(500, 'INTERNAL_ERROR', 'something went wrong; the log of the application says what', {})
}

/** How the framework's own errors look from outside; see the error tables of the libraries for what they mean. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  COMMAND_INVALID: 400,
  POSITION_INVALID: 400,
  DEBUG_RANGE_INVALID: 400,
  TOPIC_NOT_READ: 400,
  COMMAND_UNKNOWN: 404,
  PROJECTOR_UNKNOWN: 404,
  COMMAND_ID_REUSED: 409,
  EXPECTED_VERSION_CONFLICT: 409,
  REBUILD_RUNNING: 409,
  REBUILD_MISSING: 409,
  GENERATION_MISSING: 409,
  PROJECTOR_NOT_STARTED: 409,
  PROJECTOR_PAUSED: 409,
  PROJECTOR_HALTED: 409,
  EFFECTS_NOT_REPEATED: 409,
  SCRATCH_MISSING: 409,
  DEBUG_RUNNING: 409,
  SCHEMA_NOT_REGISTERED: 409,
  HISTORY_MISSING: 410,
  EVENT_DOES_NOT_FIT: 422,
  SETUP_FAILED: 422,
  COMMAND_TOO_LARGE: 413,
  OUTCOME_UNKNOWN: 504,
}

function problemOfHttp(exception: HttpException): Problem {
  const status = exception.getStatus()
  const body = exception.getResponse()
  const message = typeof body === 'object' ? (body as { message?: unknown }).message : body
  const detail = Array.isArray(message) ? message.join('; ') : typeof message === 'string' ? message : exception.message
  return problem(status, HTTP_CODES[status] ?? `HTTP_${status}`, detail, {})
}

const HTTP_CODES: Readonly<Record<number, string>> = {
  400: 'REQUEST_INVALID',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'REQUEST_TOO_LARGE',
  415: 'MEDIA_TYPE_UNSUPPORTED',
}

function problem(
  status: number,
  code: string,
  detail: string,
  { fix, retriable, details }: Pick<Problem, 'fix' | 'retriable' | 'details'>,
): Problem {
  return {
    type: `urn:keyfold:problem:${code}`,
    title: code.toLowerCase().replaceAll('_', ' '),
    status,
    code,
    detail,
    ...(fix !== undefined && { fix }),
    ...(retriable !== undefined && { retriable }),
    ...(details !== undefined && Object.keys(details).length > 0 && { details }),
  }
}
