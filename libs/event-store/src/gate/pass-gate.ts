import { type AggregateDescriptor, KeyfoldError } from '@keyfold/eventsourcing'
import type { KafkaClient } from '@keyfold/kafka'
import type { EventCodec, RegisteredSchema } from '../event-codec.ts'
import type { EventStoreLogger } from '../event-store-options.ts'
import { findingInWords, type GateFinding, gateRefusal } from './gate-finding.ts'
import { defaultGate, defaultStartRetry, type GateOptions, type StartRetry } from './gate-options.ts'
import { historyFindings } from './schema-history.ts'
import { sampleFindings } from './stored-sample.ts'

export interface GateContext {
  readonly kafka: KafkaClient
  readonly codec: EventCodec
  readonly aggregates: readonly AggregateDescriptor[]
  readonly logger: EventStoreLogger
  readonly gate: GateOptions
  readonly startRetry: StartRetry
}

/**
 * Makes the events of the aggregates known and looks whether this code may take commands: its schemas against all that is
 * registered, before anything is registered; then really stored events, decoded as the code would.
 * Errors: `GATE_REFUSED`, and those of the codec's `register`; `REGISTRY_UNREACHABLE` when all tries have failed.
 */
export async function passGate(context: GateContext): Promise<void> {
  const gate = { ...defaultGate, ...context.gate }
  const { aggregates, codec, logger } = context
  const registered = await withRetry(context, async () => {
    const held =
      gate.mode === 'off' ? [] : await Promise.all(aggregates.map((aggregate) => registeredFor(codec, aggregate)))
    settle(
      gate.mode,
      logger,
      aggregates.flatMap((aggregate, index) => historyFindings(aggregate, held[index] ?? [])),
    )
    await Promise.all(aggregates.map(({ topic, events, upcasters }) => codec.register(topic, events, upcasters)))
    return held
  })
  if (gate.mode === 'off') return
  const findings = await Promise.all(
    aggregates.map(({ topic }, index) => {
      const schemaIds = new Set(registered[index]?.map(({ id }) => id))
      return sampleFindings({ ...gate, kafka: context.kafka, codec, topic, schemaIds })
    }),
  )
  settle(gate.mode, logger, findings.flat())
}

async function registeredFor(
  codec: EventCodec,
  { topic, events }: AggregateDescriptor,
): Promise<readonly RegisteredSchema[]> {
  return (await codec.registered?.(topic, events)) ?? []
}

function settle(mode: 'refuse' | 'warn' | 'off', logger: EventStoreLogger, findings: readonly GateFinding[]): void {
  if (findings.length === 0) return
  if (mode === 'refuse') throw gateRefusal(findings)
  for (const finding of findings) logger('warn', `the gate: ${findingInWords(finding)}`, { ...finding })
}

/** Tries again while the registry cannot be reached. */
async function withRetry<Result>({ startRetry, logger }: GateContext, run: () => Promise<Result>): Promise<Result> {
  const { attempts, delayMs } = { ...defaultStartRetry, ...startRetry }
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run()
    } catch (error) {
      const mayPass = error instanceof KeyfoldError && error.code === 'REGISTRY_UNREACHABLE'
      if (!mayPass || attempt >= attempts) throw error
      const waitMs = delayMs * 2 ** (attempt - 1)
      logger('warn', `${error.message}; trying again in ${waitMs} ms (${attempt} of ${attempts})`)
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }
}
