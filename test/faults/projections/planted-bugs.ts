import { setTimeout as sleep } from 'node:timers/promises'
import type { ProjectorDescriptor } from '@keyfold/eventsourcing'
import type { KafkaClient, PartitionReader } from '@keyfold/kafka'
import type { Projections, ReadModelStore } from '@keyfold/projections'
import { SqliteControl } from '../../../libs/projections/src/stores/sqlite-control.ts'
import { around, bound } from './around-store.ts'
import { sharingBugs, withoutEpochsInPostgres } from './planted-sharing-bugs.ts'

/*
 * Faults that read sides have had, put around this one from outside: nothing in the product knows of them. They show
 * that the lane would find such a fault.
 */

/** What a fault is put around. */
export interface PlantedBug {
  readonly store?: (store: ReadModelStore) => ReadModelStore
  readonly projector?: (projector: ProjectorDescriptor) => ProjectorDescriptor
  readonly kafka?: (kafka: KafkaClient) => KafkaClient
  readonly projections?: (projections: Projections) => Projections
}

const bugs = {
  /** A crash between the two applies the batch again. */
  'the checkpoint is written outside the transaction': {
    store: (store) =>
      around(store, (real) => ({
        write: async (from, work) => {
          let reached = from.position
          await real.write(from, async (tx) => {
            const result = await work(tx)
            reached = typeof result === 'number' ? result : result.position
            return typeof result === 'number' ? from.position : { ...result, position: from.position }
          })
          await sleep(5)
          return await real.write(from, () => reached)
        },
      })),
  },

  /** Everybody has the same one: a replaced process that is at the stored position writes, and its successor is refused. */
  'no epoch is in the checkpoint': {
    store: (store) => {
      const { claim } = SqliteControl.prototype
      SqliteControl.prototype.claim = function (projector) {
        claim.call(this, projector)
        return 1
      }
      withoutEpochsInPostgres()
      return store
    },
  },

  /** An event that cannot be applied is passed as if it had been. */
  'what cannot be applied is skipped': {
    projector: (projector) => ({ ...projector, handlers: mapped(projector, swallow) }),
  },

  /** A new generation serves before it is there. */
  'the switch comes before the verification': {
    store: (store) =>
      around(store, (real, model) => ({
        setup: async (make) => {
          await real.setup(make)
          await model.activate(real.generation)
        },
      })),
  },

  /** Markers and aborted records at the end are never passed. */
  'the position follows the last record': {
    kafka: (kafka) => ({
      ...bound(kafka),
      openPartitionReader: (options) => {
        const reader = kafka.openPartitionReader(options)
        let position = options.fromOffset
        const next: PartitionReader['next'] = async (...wait) => {
          const batch = await reader.next(...wait)
          const last = batch.records.at(-1)
          if (last !== undefined) position = last.offset + 1
          return { ...batch, position }
        }
        return { next, close: () => reader.close() }
      },
    }),
  },

  /** What was sent is sent again when the rows are built anew. */
  'effects run in a rebuild': {
    projector: (projector) => ({
      ...projector,
      effects: new Map(),
      handlers: mapped(projector, (handle, type) => async (data, context) => {
        await handle(data, context)
        await projector.effects.get(type)?.(data, context)
      }),
    }),
  },

  /** Later events of a parked key overtake it. */
  'a parked key is forgotten': {
    store: (store) =>
      around(store, (real) => ({
        write: (from, work) =>
          real.write(from, async (tx) => {
            const result = await work(tx)
            return typeof result === 'number' ? result : result.position
          }),
      })),
  },

  /** The next process does not know what its predecessor has set aside. */
  'parked keys are forgotten at a restart': {
    store: (store) => around(store, () => ({ parked: async () => [] })),
  },

  /** Whoever waits for a position is told at once that it is there. */
  'nobody waits for a position': {
    projections: (projections) => ({ ...bound(projections), waitFor: async () => 'visible' }),
  },

  /** What a transaction wrote that was taken back is taken for an event. */
  'uncommitted events are read': {
    kafka: (kafka) => ({
      ...bound(kafka),
      openPartitionReader: (options) => kafka.openPartitionReader({ ...options, isolation: 'uncommitted' }),
    }),
  },
} satisfies Record<string, PlantedBug>

export type PlantedBugName = keyof typeof bugs | keyof typeof sharingBugs
export const plantedBugs: Readonly<Record<PlantedBugName, PlantedBug>> = { ...bugs, ...sharingBugs }

type Handler = ProjectorDescriptor['handlers'] extends ReadonlyMap<string, infer Found> ? Found : never

function mapped(projector: ProjectorDescriptor, change: (handler: Handler, type: string) => Handler) {
  return new Map([...projector.handlers].map(([type, handler]) => [type, change(handler, type)]))
}

function swallow(handler: Handler): Handler {
  return async (data, context) => {
    try {
      await handler(data, context)
    } catch {
      // This is the fault.
    }
  }
}
