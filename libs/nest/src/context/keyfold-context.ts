import { AsyncLocalStorage } from 'node:async_hooks'
import { Injectable } from '@nestjs/common'
import type { RequestContext } from './request-context.ts'

/**
 * The context of what is going on now: of the HTTP request, or of the event that a projector applies. Injectable
 * anywhere; commands that are sent within it carry it on.
 */
@Injectable()
export class KeyfoldContext {
  readonly #storage = new AsyncLocalStorage<Held>()

  /** All of it; empty where nothing surrounds the caller. */
  get current(): RequestContext {
    const held = this.#storage.getStore()
    if (held === undefined) return {}
    return (held.context ??= held.read())
  }

  get correlationId(): string | undefined {
    return this.current.correlationId
  }

  get causationId(): string | undefined {
    return this.current.causationId
  }

  get actor(): string | undefined {
    return this.current.actor
  }

  get tenant(): string | undefined {
    return this.current.tenant
  }

  get traceparent(): string | undefined {
    return this.current.traceparent
  }

  /** Runs something in this context, with everything that it starts: for queues, timers and other sources. */
  run<Result>(context: RequestContext, run: () => Result): Result {
    return this.#storage.run({ context, read: () => context }, run)
  }

  /** The same for a context that costs something to make: it is made when somebody asks for it. */
  runLazily<Result>(read: () => RequestContext, run: () => Result): Result {
    return this.#storage.run({ context: undefined, read }, run)
  }

  /** The same with some members of the present context changed. */
  with<Result>(changes: RequestContext, run: () => Result): Result {
    return this.run({ ...this.current, ...changes }, run)
  }
}

interface Held {
  context: RequestContext | undefined
  readonly read: () => RequestContext
}
