import { stableEnd } from './broker.ts'
import { accepts, type Answer, type LogRecord, type World } from './world.ts'

/** Why an answer is not true, given what the log holds at the moment it is told; undefined when it is. */
export function wrongAnswer(world: World, index: number, answer: Answer): string | undefined {
  const call = world.calls[index]
  if (call === undefined || !saysWhatHappened(answer)) return undefined
  const { id, kind, acknowledgedBefore } = call
  const visible = visibleEvents(world)
  const own = visible.find((record) => record.id === id)
  const told = world.calls.find((other) => other.id === id && saysWhatHappened(other.answer))?.answer
  if (told !== undefined && saysWhatHappened(told) && (told.kind !== answer.kind || told.version !== answer.version))
    return `command ${id} was told ${told.kind} at ${told.version}, now ${answer.kind} at ${answer.version}`
  if (answer.kind === 'committed') {
    if (own?.version !== answer.version) return `command ${id} was told committed at ${answer.version} and is not there`
    if (!answer.duplicate && answer.version - 1 < acknowledgedBefore)
      return `command ${id} was decided on version ${answer.version - 1}, but ${acknowledgedBefore} had been told before`
    return undefined
  }
  if (own !== undefined) return `command ${id} was told rejected and is there at ${own.version}`
  if (answer.duplicate) return undefined
  if (answer.version > visible.length)
    return `command ${id} was rejected on version ${answer.version}, which is not there`
  if (answer.version < acknowledgedBefore)
    return `command ${id} was rejected on version ${answer.version}, but ${acknowledgedBefore} had been told before`
  return accepts(kind, answer.version) ? `command ${id} was rejected without a reason` : undefined
}

/** What is wrong with the log, or with what clients were told about it. */
export function wrongWorld(world: World, sees: 'everything' | 'what clients see'): string | undefined {
  const committed = world.log.filter(({ state }) => state === 'committed')
  return wrongEvents(world, committed) ?? (sees === 'everything' ? wrongOwners(committed) : undefined)
}

function wrongEvents(world: World, committed: readonly LogRecord[]): string | undefined {
  const seen = new Set<number>()
  let version = 0
  for (const record of committed) {
    if (record.kind !== 'event') continue
    if (record.version !== version + 1) return `version ${record.version} follows version ${version}`
    if (seen.has(record.id)) return `command ${record.id} happened twice`
    version = record.version
    seen.add(record.id)
    const calls = world.calls.filter(({ id }) => id === record.id)
    const kind = calls[0]?.kind
    if (kind === undefined || !accepts(kind, version - 1)) return `command ${record.id} was accepted at ${version - 1}`
    if (calls.some(({ answer }) => answer?.kind === 'rejected'))
      return `command ${record.id} was told rejected, and is there`
    if (calls.every(({ answer }) => answer?.kind === 'failed'))
      return `command ${record.id} was told failed, and is there`
  }
  return undefined
}

/** E9, E10 and E13 of the checker, on the model's log. */
function wrongOwners(committed: readonly LogRecord[]): string | undefined {
  const gone = new Set<number>()
  const byGeneration = new Map<number, number>()
  let instance: number | undefined
  let generation = 0
  for (const record of committed) {
    if (record.instance !== instance && instance !== undefined) gone.add(instance)
    if (gone.has(record.instance)) return `instance ${record.instance} writes after another one took over`
    instance = record.instance
    if (record.generation < generation) return `generation ${record.generation} writes after ${generation}`
    generation = record.generation
    const known = byGeneration.get(generation)
    if (known !== undefined && known !== instance) return `generation ${generation} has two owners`
    byGeneration.set(generation, instance)
  }
  return undefined
}

function saysWhatHappened(answer: Answer | undefined): answer is Extract<Answer, { readonly version: number }> {
  return answer?.kind === 'committed' || answer?.kind === 'rejected'
}

/** What readers see, or will as soon as a transaction is ended that was decided. */
function visibleEvents(world: World): readonly LogRecord[] {
  const log = world.log.map((record) =>
    isDecided(world, record) ? { ...record, state: 'committed' as const } : record,
  )
  return log.slice(0, stableEnd({ log })).filter(({ kind, state }) => kind === 'event' && state === 'committed')
}

function isDecided({ producers }: World, { producer, state }: LogRecord): boolean {
  const own = producers[producer]
  return state === 'open' && own !== undefined && !own.isOpen && own.ended === 'committed'
}
