import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common'
import type { Observable } from 'rxjs'
import type { KeyfoldOptions } from '../keyfold-options.ts'
import { KEYFOLD_OPTIONS } from '../tokens.ts'
import { KeyfoldContext } from './keyfold-context.ts'
import { contextOfHttp, HTTP_HEADERS, type RequestContext } from './request-context.ts'

/** What an HTTP request says of its context. */
export interface HttpContextOptions {
  /** Names of headers; the defaults are `x-correlation-id`, `x-tenant-id` and `traceparent`. */
  readonly headers?: Readonly<Partial<Record<keyof RequestContext, string>>>
  /**
   * More of it, from the request as guards have left it. Default: `actor` is the `id` or `sub` of `request.user`, where
   * Passport and its like put who has signed in.
   */
  readonly from?: (request: HttpRequest) => RequestContext
}

export interface HttpRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly user?: unknown
}

/**
 * Gives every HTTP request its context. An interceptor, since it runs after guards, which know the actor, and after the
 * body was read, which loses asynchronous context on some servers. `KeyfoldModule` puts it into every application.
 */
@Injectable()
export class KeyfoldContextInterceptor implements NestInterceptor {
  readonly #context: KeyfoldContext
  readonly #options: HttpContextOptions

  constructor(@Inject(KeyfoldContext) context: KeyfoldContext, @Inject(KEYFOLD_OPTIONS) options: KeyfoldOptions) {
    this.#context = context
    this.#options = options.httpContext ?? {}
  }

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (execution.getType() !== 'http') return next.handle()
    const { headers = {}, from = signedIn } = this.#options
    const request = execution.switchToHttp().getRequest<HttpRequest>()
    const said = contextOfHttp(request.headers, { ...HTTP_HEADERS, ...headers })
    const context = { correlationId: globalThis.crypto.randomUUID(), ...said, ...from(request) }
    // Nest binds a handler to the context in which `handle` is called, not to that of its subscriber.
    return this.#context.run(context, () => next.handle())
  }
}

function signedIn({ user }: HttpRequest): RequestContext {
  if (typeof user !== 'object' || user === null) return {}
  const { id, sub } = user as { readonly id?: unknown; readonly sub?: unknown }
  const actor = id ?? sub
  return typeof actor === 'string' || typeof actor === 'number' ? { actor: String(actor) } : {}
}
