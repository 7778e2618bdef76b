import type { Generation, ReadModel, ReadModelStore } from '@keyfold/projections'

/** Changes the members of every generation that a store opens, for whoever owns, leads or shares the projector. */
export function around(
  store: ReadModelStore,
  change: (real: Generation, model: ReadModel) => Partial<Generation>,
): ReadModelStore {
  const changed = (model: ReadModel): ReadModel => ({
    ...bound(model),
    openGeneration: async (number) => {
      const generation = await model.openGeneration(number)
      return Object.assign(generation, change(bound(generation), model))
    },
  })
  const claim: ReadModelStore['claim'] = async (projector) => changed(await store.claim(projector))
  const { share } = bound(store)
  if (share === undefined) return { ...bound(store), claim }
  return {
    ...bound(store),
    claim,
    share: (projector) => {
      const shared = share(projector)
      const enter = async (): Promise<ReadModel | undefined> => {
        const entered = await shared.enter()
        return entered === undefined ? undefined : changed(entered)
      }
      return { ...bound(shared), enter }
    },
  }
}

/** The members of an object of a class, as an object of their own: private members need the real one. */
export function bound<Real extends object>(real: Real): Real {
  const members = namesOf(real).map((name): [string, unknown] => {
    const value: unknown = Reflect.get(real, name)
    return [name, typeof value === 'function' ? value.bind(real) : value]
  })
  return Object.fromEntries(members) as Real
}

function namesOf(real: object): string[] {
  const names = new Set<string>()
  for (let at: object | null = real; at !== null && at !== Object.prototype; at = Reflect.getPrototypeOf(at))
    for (const name of Object.getOwnPropertyNames(at)) names.add(name)
  names.delete('constructor')
  return [...names]
}
