import type { CommandOutcome, EventStoreSignal } from '@keyfold/event-store'
import type { ProjectionContext } from '@keyfold/eventsourcing'
import type { ProjectorStatus } from '@keyfold/projections'
import type * as OpenTelemetryApi from '@opentelemetry/api'

/** What is told of a command before it is sent. */
export interface SentCommand {
  readonly command: string
  readonly aggregate: string
  readonly topic: string
}

/** Where spans and metrics go. Nothing in the framework depends on any of it being there. */
export interface Telemetry {
  /** Around a command. `send` gets the trace context that its events are to carry, when there is one. */
  sending(
    command: SentCommand,
    parent: string | undefined,
    send: (traceparent: string | undefined) => Promise<CommandOutcome>,
  ): Promise<CommandOutcome>
  /** Around an event that a projector applies. */
  processing(projector: string, event: ProjectionContext, handle: () => void | Promise<void>): void | Promise<void>
  /** What the event store's writers do. */
  signal(signal: EventStoreSignal): void
  /** Where the state of projectors is to be asked for, whenever metrics are collected. Answers how to stop. */
  observe(status: () => readonly ProjectorStatus[]): () => void
}

/** Loads OpenTelemetry's API, if the application has it: without an SDK it does nothing, and costs next to nothing. */
export async function loadTelemetry(
  load: () => Promise<typeof OpenTelemetryApi> = () => import('@opentelemetry/api'),
): Promise<Telemetry | undefined> {
  let api: typeof OpenTelemetryApi
  try {
    api = await load()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  const { OpenTelemetry } = await import('./open-telemetry.ts')
  return new OpenTelemetry(api)
}

/** Only the package itself may be missing; one that is broken is not passed over in silence. */
function isMissing(error: unknown): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  const isNotFound = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
  return isNotFound && String(message).includes('@opentelemetry/api')
}
