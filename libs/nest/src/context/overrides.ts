import { AsyncLocalStorage } from 'node:async_hooks'
import type { KeyfoldOptions } from '../keyfold-options.ts'

const storage = new AsyncLocalStorage<KeyfoldOptions>()

/**
 * Runs something that makes an application, such as `NestFactory.create`, so that its Keyfold has these options before
 * those of its own code: for tools and tests that start an application they did not write.
 */
export function withKeyfoldOptions<Result>(options: KeyfoldOptions, make: () => Result): Result {
  return storage.run(options, make)
}

/** An application's own options with those that it is started with. */
export function overridden(options: KeyfoldOptions): KeyfoldOptions {
  return { ...options, ...storage.getStore() }
}
