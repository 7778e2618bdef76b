import { endTransaction } from './broker.ts'
import { wrongAnswer, wrongWorld } from './invariants.ts'
import type { Mutation } from './mutations.ts'
import { claim, cutBatch, type Delivery, endBatchTransaction, type Play, startClaim, submit } from './owner.ts'
import { type Answer, type Bounds, copyOf, nameOf, newOwner, newWorld, type World } from './world.ts'

/** Things that have to occur somewhere, or the exploration shows nothing. */
export const sights = [
  'take-over',
  'fenced',
  'unknown outcome',
  'delayed end too late',
  'duplicate',
  'rejection',
  'refused batch',
  'unknown told',
  'two in a batch',
  'owner changed',
  'end forgotten',
] as const

export type Sight = (typeof sights)[number]

export interface Exploration {
  readonly states: number
  /** Every state within the bounds was seen. */
  readonly isWhole: boolean
  /** The shortest way to what is wrong: its steps, and what is wrong at its end. */
  readonly wrong: { readonly what: string; readonly steps: readonly string[] } | undefined
  readonly sights: Readonly<Record<Sight, number>>
}

export interface ExploreOptions extends Bounds {
  readonly mutation?: Mutation
  /** `what clients see` leaves out who wrote what: only lost, doubled, reordered and stale decisions count. */
  readonly sees?: 'everything' | 'what clients see'
  /** Ends the exploration when this many states were seen. */
  readonly statesMax?: number
}

/** Goes through every order of events that the bounds allow, breadth first: the first finding is a shortest one. */
export function explore(options: ExploreOptions): Exploration {
  const statesMax = options.statesMax ?? Number.POSITIVE_INFINITY
  const counted = Object.fromEntries(sights.map((sight) => [sight, 0])) as Record<Sight, number>
  const first = newWorld(options)
  /** By state: the state and the step that it was reached by first. */
  const reached = new Map<string, Origin>([[nameOf(first), undefined]])
  let frontier: { readonly world: World; readonly name: string }[] = [{ world: first, name: nameOf(first) }]
  while (frontier.length > 0 && reached.size < statesMax) {
    const next: typeof frontier = []
    for (const { world, name } of frontier) {
      for (const step of stepsFrom(world, options)) {
        const after = copyOf(world)
        let what: string | undefined
        const onAnswer = (call: number, answer: Answer): void => {
          const asked = after.calls[call]
          // Only the first answer reaches the client.
          if (asked === undefined || asked.answer !== undefined) return
          what ??= wrongAnswer(after, call, answer)
          asked.answer = answer
          if (answer.kind === 'rejected') counted.rejection += 1
          if (answer.kind === 'unknown') counted['unknown told'] += 1
          if ('duplicate' in answer && answer.duplicate) counted.duplicate += 1
        }
        const sight = step.take(after, onAnswer)
        what ??= wrongWorld(after, options.sees ?? 'everything')
        if (sight !== undefined) counted[sight] += 1
        const origin = { before: name, step: step.name }
        if (what !== undefined)
          return {
            states: reached.size,
            isWhole: false,
            wrong: { what, steps: wayTo(reached, origin) },
            sights: counted,
          }
        const afterName = nameOf(after)
        if (reached.has(afterName)) continue
        reached.set(afterName, origin)
        next.push({ world: after, name: afterName })
      }
    }
    frontier = next
  }
  return { states: reached.size, isWhole: frontier.length === 0, wrong: undefined, sights: counted }
}

type Origin = { readonly before: string; readonly step: string } | undefined
type OnAnswer = (call: number, answer: Answer) => void

interface Step {
  readonly name: string
  readonly take: (world: World, onAnswer: OnAnswer) => Sight | undefined
}

function wayTo(reached: ReadonlyMap<string, Origin>, last: Origin): readonly string[] {
  const steps: string[] = []
  for (let origin = last; origin !== undefined; origin = reached.get(origin.before)) steps.unshift(origin.step)
  return steps
}

/** Everything that may happen next. What does not happen for a while is a pause. */
function stepsFrom(world: World, options: ExploreOptions): Step[] {
  const steps = world.delayed.map((_, index) => delayedEnd(index))
  world.owners.forEach((owner, index) => {
    if (owner.state === 'down') {
      // Owners are alike: the first one starts first.
      if (world.starts > 0 && (index === 0 || world.owners[0]?.instance !== 0 || world.owners[0]?.state !== 'down'))
        steps.push(start(index, options))
      return
    }
    if (world.calls.length < options.script.length) steps.push(call(index, options))
    const faults = world.faults > 0 ? 1 : 0
    if (faults > 0 && owner.state !== 'fenced') steps.push(crash(index))
    if (owner.claimStep !== 'none') {
      for (const delivery of claimDeliveries[owner.claimStep].slice(0, faults > 0 ? undefined : 1))
        steps.push(atOwner(`owner ${index} claims: ${owner.claimStep}, ${delivery}`, index, options, delivery, claim))
    } else if (owner.mustEnd) {
      for (const delivery of endDeliveries.slice(0, faults > 0 ? undefined : 1))
        steps.push(atOwner(`owner ${index} ends its batch, ${delivery}`, index, options, delivery, endBatchTransaction))
    } else if (owner.state === 'open' && owner.queue.length > 0) {
      for (const delivery of batchDeliveries.slice(0, faults > 0 ? undefined : 1))
        steps.push(
          atOwner(`owner ${index} sends a batch, ${delivery}`, index, options, delivery, (play, how) =>
            cutBatch(play, how, options.batchCommands),
          ),
        )
    }
  })
  return steps
}

const once: readonly Delivery[] = ['delivered']
const endDeliveries: readonly Delivery[] = ['delivered', 'request lost', 'answer lost', 'delayed', 'forgotten']
const batchDeliveries: readonly Delivery[] = ['delivered', 'request lost', 'answer lost', 'refused']
const claimDeliveries = {
  look: once,
  end: once,
  fence: once,
  settle: once,
  read: once,
  record: ['delivered', 'request lost'],
  endRecord: endDeliveries,
} as const satisfies Readonly<Record<string, readonly Delivery[]>>

function start(index: number, { mutation }: ExploreOptions): Step {
  return {
    name: `owner ${index} starts`,
    take: (world, onAnswer) => {
      const before = world.owners[index]
      const owner = newOwner((before?.instance ?? 0) + (world.starts > 0 && before !== undefined ? 2 : 0))
      owner.disk = before?.disk
      owner.state = 'claiming'
      world.owners[index] = owner
      world.starts -= 1
      startClaim({ world, owner, mutation, onAnswer })
      return world.owners.some((other) => other !== owner && other.state !== 'down') ? 'take-over' : undefined
    },
  }
}

function call(index: number, { mutation, script }: ExploreOptions): Step {
  return {
    name: `a client calls owner ${index}`,
    take: (world, onAnswer) => {
      const owner = world.owners[index]
      const next = script[world.calls.length]
      if (owner === undefined || next === undefined) return undefined
      const told = world.calls.map(({ answer }) => (answer !== undefined && 'version' in answer ? answer.version : 0))
      world.calls.push({ ...next, acknowledgedBefore: Math.max(0, ...told), answer: undefined })
      submit({ world, owner, mutation, onAnswer }, world.calls.length - 1)
      return undefined
    },
  }
}

function crash(index: number): Step {
  return {
    name: `owner ${index} is killed`,
    take: (world, onAnswer) => {
      const owner = world.owners[index]
      if (owner === undefined) return undefined
      world.faults -= 1
      for (const { call: each } of [...owner.queue, ...owner.cut]) onAnswer(each, { kind: 'unknown' })
      world.owners[index] = { ...newOwner(owner.instance), disk: owner.disk }
      return undefined
    },
  }
}

function delayedEnd(index: number): Step {
  return {
    name: 'a delayed EndTxn arrives',
    take: (world) => {
      const [end] = world.delayed.splice(index, 1)
      if (end === undefined) return undefined
      return endTransaction(world, { ...end, outcome: 'committed' }) === undefined ? 'delayed end too late' : undefined
    },
  }
}

function atOwner(
  name: string,
  index: number,
  { mutation }: ExploreOptions,
  delivery: Delivery,
  act: (play: Play, delivery: Delivery) => void,
): Step {
  return {
    name,
    take: (world, onAnswer) => {
      const owner = world.owners[index]
      if (owner === undefined) return undefined
      if (delivery !== 'delivered') world.faults -= 1
      const waiting = owner.queue.length
      act({ world, owner, mutation, onAnswer }, delivery)
      return sightOf(owner.state, delivery, waiting - owner.queue.length)
    },
  }
}

function sightOf(state: string, delivery: Delivery, taken: number): Sight | undefined {
  if (state === 'fenced') return taken > 0 ? 'fenced' : 'owner changed'
  if (delivery === 'refused') return 'refused batch'
  if (delivery === 'forgotten') return 'end forgotten'
  if (delivery !== 'delivered') return 'unknown outcome'
  return taken > 1 ? 'two in a batch' : undefined
}
