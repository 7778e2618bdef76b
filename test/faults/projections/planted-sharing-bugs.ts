import type { KafkaClient } from '@keyfold/kafka'
import type { ReadModelStore, SharedReadModel } from '@keyfold/projections'
import { PostgresControl } from '../../../libs/projections/src/stores/postgres-control.ts'
import { around, bound } from './around-store.ts'
import type { PlantedBug } from './planted-bugs.ts'

/** Faults of processes that share a projector. */
export const sharingBugs = {
  /** Everybody has the same one: a member that stood still goes on beside the one that has its partition now. */
  'members have no epochs': {
    store: (store) => {
      withoutEpochsInPostgres()
      return aroundSharing(store, (shared, projector) => ({
        enter: async () => ((await shared.enter()) === undefined ? undefined : await store.claim(projector)),
      }))
    },
  },

  /** What the group takes away is kept. */
  'a member goes on with what it has lost': {
    kafka: (kafka) => ({ ...bound(kafka), groups: keepingGroups(kafka) }),
  },

  /** Whoever gets a partition does not ask how far it is. */
  'a share begins at the first event': {
    store: (store) =>
      around(store, (real) => ({
        claim: async (partitions) => {
          const checkpoints = await real.claim(partitions)
          for (const checkpoint of checkpoints) await real.write(checkpoint, () => 0)
          return checkpoints.map((checkpoint) => ({ ...checkpoint, position: 0 }))
        },
      })),
  },

  /** Whoever leads builds one partition, takes the others for built as far as their owners are, and compares nothing. */
  'a switch waits for one partition of all': {
    store: (store) =>
      around(store, (real, model) => ({
        claim: async (partitions) => {
          const { generations } = await model.record()
          const checkpoints = await real.claim(partitions)
          const active = generations.find(({ status }) => status === 'active')
          if (active === undefined || active.generation >= real.generation) return checkpoints
          const serving = await model.openGeneration(active.generation)
          const [own, ...others] = checkpoints
          for (const checkpoint of others) {
            const reached = await serving.position(checkpoint)
            if (checkpoint.position < reached) await real.write(checkpoint, () => reached)
          }
          const rest = others.map(async (each) => ({ ...each, position: await real.position(each) }))
          return [own ?? [], ...(await Promise.all(rest))].flat()
        },
        tables: async () => [],
      })),
  },

  /** Those who have a share go on while another one rebuilds, and each takes the checkpoints from the other. */
  'nobody knows who leads': {
    store: (store) => aroundSharing(store, () => ({ lead: async () => true })),
  },

  /** Where another process has got to is not looked at. */
  'positions of others are made up': {
    store: (store) =>
      aroundSharing(store, (shared) => ({
        look: async () => {
          const sight = await shared.look()
          const partitions = sight?.partitions.map((each) => ({ ...each, position: each.position + 1_000 })) ?? []
          return sight === undefined ? undefined : { ...sight, partitions }
        },
      })),
  },
} satisfies Record<string, PlantedBug>

export function withoutEpochsInPostgres(): void {
  const { claim } = PostgresControl.prototype
  PostgresControl.prototype.claim = async function (projector) {
    await claim.call(this, projector)
    return 1
  }
}

function aroundSharing(
  store: ReadModelStore,
  change: (shared: SharedReadModel, projector: string) => Partial<SharedReadModel>,
): ReadModelStore {
  const { share } = bound(store)
  if (share === undefined) throw new TypeError('this fault is one of sharing')
  return {
    ...bound(store),
    share: (projector) => {
      const shared = share(projector)
      return { ...bound(shared), ...change(bound(shared), projector) }
    },
  }
}

function keepingGroups(kafka: KafkaClient): NonNullable<KafkaClient['groups']> {
  const { groups } = kafka
  if (groups === undefined) throw new TypeError('this fault needs groups')
  return {
    ...bound(groups),
    join: (options) => {
      const kept = new Set<number>()
      const membership = groups.join({
        ...options,
        onAssigned: (assignment) => {
          for (const partition of assignment.partitions) kept.add(partition)
          options.onAssigned({ ...assignment, partitions: [...kept] })
        },
      })
      return { ...bound(membership), isCurrent: async () => true }
    },
  }
}
