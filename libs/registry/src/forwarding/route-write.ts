import type { LogWriter } from '../log/schema-log.ts'
import { RegistryError, registryError } from '../registry-error.ts'

/**
 * What became of a request that was sent to the registry that writes:
 * - `answered`: it has an answer, a refusal included;
 * - `not-taken`: nobody answers there, or not the writer; nothing was changed;
 * - `lost`: it was sent and not answered; it may have been carried out.
 */
export type ForwardOutcome<Answer> =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'not-taken' | 'lost'; readonly reason: string }

/** The registry that has a change to carry out, or to pass on. */
export interface WritingRegistry {
  readonly isWriter: boolean
  readonly otherWriter: LogWriter | undefined
  claim(reason: string): Promise<void>
  catchUp(waitMs: number): Promise<boolean>
}

export interface WriteRequest<Answer> {
  /** Carries it out here. Throws 50004 when this registry turns out not to be the writer. */
  runHere(): Promise<Answer>
  forward(to: LogWriter): Promise<ForwardOutcome<Answer>>
  /** True when carrying it out twice is the same as once, so that it may be sent again after a lost answer. */
  readonly isRepeatable: boolean
}

export interface RoutingOptions {
  /** After this many milliseconds no further attempt is made. */
  readonly deadlineMs: number
  readonly now: () => number
  readonly random: () => number
  readonly sleep: (ms: number) => Promise<void>
}

/** So often a writer may not be there before another registry takes over. */
const MISSES_MAX = 3
const FIRST_WAIT_MS = 50
const WAIT_MAX_MS = 1000
const CATCH_UP_MS = 1000

/**
 * Carries out a change wherever it can be: here when this registry writes, else at the one that does, and when that one
 * is not there any more, here again, after taking over. Throws the errors of a change, 50003 and 50004.
 */
export async function routeWrite<Answer>(
  registry: WritingRegistry,
  request: WriteRequest<Answer>,
  options: RoutingOptions,
): Promise<Answer> {
  const endMs = options.now() + options.deadlineMs
  let misses = 0
  let why = 'no writer is known'
  for (let attempt = 0; ; attempt++) {
    if (registry.isWriter) {
      const here = await runHere(request)
      if (here) return here.answer
    }
    if (attempt > 0 && options.now() > endMs) throw registryError('forwardFailed', urlOf(registry), why)
    const writer = registry.otherWriter
    if (!writer || misses >= MISSES_MAX) {
      await takeOver(registry, writer ? `${writer.url} does not take changes: ${why}` : why)
      misses = 0
      if (!registry.isWriter) await waitForNews(registry, options, attempt)
      continue
    }
    const outcome = await request.forward(writer)
    if (outcome.kind === 'answered') {
      // Whoever got the answer here may read here.
      await registry.catchUp(CATCH_UP_MS)
      return outcome.answer
    }
    why = outcome.reason
    const isLost = outcome.kind === 'lost'
    if (isLost && !request.isRepeatable) throw registryError('forwardFailed', writer.url, why + DOUBT)
    await waitForNews(registry, options, attempt)
    // A new name in the log is a new chance. One that lets requests hang had its chance.
    misses = registry.otherWriter?.id !== writer.id ? 0 : isLost ? MISSES_MAX : misses + 1
  }
}

const DOUBT = '; it may have been carried out: read before you try again'

/** Nothing when this registry is not the writer after all. */
async function runHere<Answer>(request: WriteRequest<Answer>): Promise<{ readonly answer: Answer } | undefined> {
  try {
    return { answer: await request.runHere() }
  } catch (error) {
    if (isNotTheWriter(error)) return undefined
    throw error
  }
}

/** When two take over at once, one of them is fenced: that one passes its change on. */
async function takeOver(registry: WritingRegistry, reason: string): Promise<void> {
  try {
    await registry.claim(reason)
  } catch (error) {
    if (!isNotTheWriter(error)) throw error
  }
}

/** Longer each time, and never for two registries the same. */
async function waitForNews(registry: WritingRegistry, options: RoutingOptions, attempt: number): Promise<void> {
  await options.sleep(Math.min(FIRST_WAIT_MS * 2 ** attempt, WAIT_MAX_MS) * (0.5 + options.random()))
  await registry.catchUp(CATCH_UP_MS)
}

function urlOf({ otherWriter }: WritingRegistry): string {
  return otherWriter?.url ?? 'which is not known'
}

export function isNotTheWriter(error: unknown): boolean {
  return error instanceof RegistryError && error.code === NOT_THE_WRITER
}

const NOT_THE_WRITER = registryError('notTheWriter').code
