import { openEventStore, RegistryEventCodec } from '@keyfold/event-store'
import { aggregate, applies, defineCommand, defineEvent, handles } from '@keyfold/eventsourcing'
import { connectKafka } from '@keyfold/kafka'
import { MemorySchemaLog, startRegistry } from '@keyfold/registry'
import type { Execute } from './closed-loop.ts'

const Noted = defineEvent<'bench.Noted', { text: string; number: number }>({
  name: 'bench.Noted',
  versions: [
    {
      version: 1,
      schema: {
        type: 'record',
        name: 'Noted',
        namespace: 'bench',
        fields: [
          { name: 'text', type: 'string' },
          { name: 'number', type: 'int' },
        ],
      },
    },
  ],
})

class Note extends defineCommand<{ readonly id: string; readonly text: string }>({ name: 'bench.Note', key: 'id' }) {}

interface Notes {
  readonly count: number
}

export interface KeyfoldPlace {
  readonly broker: string
  readonly partitions: number
  readonly eventBytes: number
  readonly dataDirectory: string
}

/** The event store without a bus around it: validation, routing, decision, Avro, envelope, transaction. */
export async function openKeyfold(place: KeyfoldPlace): Promise<{ execute: Execute; end: () => Promise<void> }> {
  const { broker, partitions, eventBytes, dataDirectory } = place
  const registry = await startRegistry({ log: new MemorySchemaLog(), port: 0 })
  const kafka = await connectKafka({ brokers: [broker], clientId: 'bench' })
  const notes = aggregate<Notes>({
    name: 'note',
    topic: `bench.note-${crypto.randomUUID()}`,
    initialState: () => ({ count: 0 }),
    decide: [handles(Note, ({ text }, { count }: Notes) => Noted({ text, number: count }))],
    evolve: [applies(Noted, ({ count }: Notes) => ({ count: count + 1 }))],
  })
  const codec = new RegistryEventCodec({ url: registry.url })
  const store = await openEventStore({
    application: 'bench',
    kafka,
    codec,
    aggregates: [notes],
    partitions,
    dataDirectory,
    gate: { mode: 'off' },
  })
  const text = 'x'.repeat(eventBytes)
  return {
    execute: async (id) => {
      const outcome = await store.execute(new Note({ id, text }))
      if (outcome.kind !== 'committed') throw new Error(`the command ended as ${outcome.kind}`)
    },
    end: async () => {
      await store.close()
      await kafka.close()
      await registry.close()
    },
  }
}
