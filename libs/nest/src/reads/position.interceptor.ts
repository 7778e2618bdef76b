import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common'
import { HttpAdapterHost, Reflector } from '@nestjs/core'
import { concatMap, from, mergeMap, type Observable, of } from 'rxjs'
import { KeyfoldRuntime } from '../keyfold-runtime.ts'
import { projectorName } from '../read-model.ts'
import { formatPositions, furthest, parsePositions, type Position, preferredWaitSeconds } from './positions.ts'
import { ReadsFrom } from './reads-from.decorator.ts'
import { collecting } from './seen-positions.ts'

const WAIT_SECONDS_MAX = 30

interface HttpRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/**
 * Read your own writes over HTTP, and never read backwards within a session:
 *
 * - The answer of a request that executed commands says where their events lie: `Keyfold-Position`.
 * - A client sends that header with its next requests. With `Prefer: wait=2` a route with `@ReadsFrom` answers when its
 *   read models show as much, or after two seconds what they show by then; `Keyfold-Visible` says `yes` or `no`. `no` is
 *   no error: the events are there, only not visible yet.
 * - Every answer gives back the furthest positions of both, so a client that keeps sending the last one never sees less.
 */
@Injectable()
export class KeyfoldPositionInterceptor implements NestInterceptor {
  readonly #runtime: KeyfoldRuntime
  readonly #reflector: Reflector
  readonly #adapterHost: HttpAdapterHost

  constructor(
    @Inject(KeyfoldRuntime) runtime: KeyfoldRuntime,
    @Inject(Reflector) reflector: Reflector,
    @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost,
  ) {
    this.#runtime = runtime
    this.#reflector = reflector
    this.#adapterHost = adapterHost
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle()
    const session = this.#sessionOf(context)
    return from(this.#shown(session, session.given)).pipe(
      mergeMap((shown) =>
        collecting(next, session.seen).pipe(
          // The headers go before the first value; a stream has sent them by the second.
          concatMap((body, index) => (index === 0 ? this.#answered(context, session, { shown, body }) : of(body))),
        ),
      ),
    )
  }

  #sessionOf(context: ExecutionContext): Session {
    const { headers } = context.switchToHttp().getRequest<HttpRequest>()
    const waitSeconds = preferredWaitSeconds(text(headers['prefer']), WAIT_SECONDS_MAX)
    const named = this.#reflector.getAllAndOverride(ReadsFrom, [context.getHandler(), context.getClass()]) ?? []
    const waits = waitSeconds !== undefined && named.length > 0
    return {
      given: parsePositions(text(headers['keyfold-position'])),
      seen: [],
      projectors: waits ? named.map(projectorName) : [],
      waitSeconds: waits ? waitSeconds : undefined,
      deadlineMs: performance.now() + (waitSeconds ?? 0) * 1000,
    }
  }

  async #answered(
    context: ExecutionContext,
    session: Session,
    { shown, body }: { readonly shown: boolean; readonly body: unknown },
  ): Promise<unknown> {
    const { given, seen, waitSeconds } = session
    const shownNow = await this.#shown(session, seen)
    const response = context.switchToHttp().getResponse<{ readonly headersSent?: boolean }>()
    if (response.headersSent === true) return body
    const set = (name: string, value: string): void => this.#adapterHost.httpAdapter.setHeader(response, name, value)
    const furthestSeen = furthest(given, seen)
    if (furthestSeen.length > 0) set('Keyfold-Position', formatPositions(furthestSeen))
    if (waitSeconds !== undefined) set('Preference-Applied', `wait=${waitSeconds}`)
    if (waitSeconds !== undefined) set('Keyfold-Visible', shown && shownNow ? 'yes' : 'no')
    return body
  }

  /** Whether the read models show all positions of the topics they read, at the latest when the time is over. */
  async #shown({ projectors, deadlineMs }: Session, positions: readonly Position[]): Promise<boolean> {
    if (projectors.length === 0 || positions.length === 0) return true
    const { projections } = this.#runtime
    const waits = projectors.flatMap((name) =>
      positions
        .filter(({ topic }) => projections.topicsOf(name).includes(topic))
        .map((position) =>
          projections.waitFor(name, position, { deadlineMs: Math.max(0, deadlineMs - performance.now()) }),
        ),
    )
    return (await Promise.all(waits)).every((result) => result === 'visible')
  }
}

/** What one request has seen, and would wait for. */
interface Session {
  readonly given: readonly Position[]
  /** Grows with every command that the request has executed. */
  readonly seen: Position[]
  /** Those to wait for; empty when the request would not wait. */
  readonly projectors: readonly string[]
  readonly waitSeconds: number | undefined
  /** On the clock of `performance.now()`. */
  readonly deadlineMs: number
}

function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header
}
