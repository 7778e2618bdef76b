import { AsyncLocalStorage } from 'node:async_hooks'
import type { CallHandler } from '@nestjs/common'
import type { Observable } from 'rxjs'
import type { Position } from './positions.ts'

/** The positions of the commands that the present request has had executed, whoever executed them. */
const storage = new AsyncLocalStorage<Position[]>()

/**
 * Makes a request's handling note its positions in `seen`. Nest binds a handler to the context in which `handle` is
 * called, not to that of its subscriber.
 */
export function collecting(handler: CallHandler, seen: Position[]): Observable<unknown> {
  return storage.run(seen, () => handler.handle())
}

/** Notes a position, if anybody collects them. */
export function notePosition(position: Position | null): void {
  if (position !== null) storage.getStore()?.push(position)
}
