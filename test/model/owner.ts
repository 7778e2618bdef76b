import { nextStep, type WriterEffect, type WriterEvent } from '../../libs/event-store/src/writer/writer-machine.ts'
import { endTransaction, initProducerId, produce, settle, stableEnd } from './broker.ts'
import type { Mutation } from './mutations.ts'
import { accepts, type Answer, type LogRecord, type Memory, type Owner, type Pending, type World } from './world.ts'

/** How a request to the broker ends, seen from outside. */
export type Delivery = 'delivered' | 'request lost' | 'answer lost' | 'delayed' | 'refused' | 'forgotten'

export interface Play {
  readonly world: World
  readonly owner: Owner
  readonly mutation: Mutation | undefined
  /** Called for every answer to a client. */
  readonly onAnswer: (call: number, answer: Answer) => void
}

/** A call comes in, as `PartitionWriter.submit` takes it. */
export function submit(play: Play, call: number): void {
  const { owner, mutation } = play
  if (owner.state === 'fenced' && mutation === 'answers after it was fenced') return answerFromMemory(play, call)
  if (owner.state === 'fenced' || owner.state === 'closed' || owner.state === 'closing' || owner.state === 'refused')
    return play.onAnswer(call, { kind: 'failed' })
  owner.queue.push({ call, inDoubt: false, alone: false })
}

/** Tells the real machine what happened and carries out what it says. */
export function tell(play: Play, event: WriterEvent): void {
  const { owner, mutation } = play
  if (owner.state === 'down') throw new TypeError('a process that is down hears nothing')
  const { to, effects } = mutation === undefined ? nextStep(owner.state, event) : stepOf(owner.state, event, mutation)
  if (event === 'unknown' && mutation === 'no new claim after an unknown outcome')
    owner.epoch = initProducerId(play.world, producerOf(play))
  owner.state = to
  for (const effect of effects) performers[effect](play)
}

function stepOf(state: Exclude<Owner['state'], 'down'>, event: WriterEvent, mutation: Mutation) {
  const goesOn = { to: 'open', effects: ['requeue', 'cutNext'] } as const
  if (state === 'committing') {
    if (event === 'aborted' && mutation === 'overlay of an aborted batch kept') return goesOn
    if (event === 'unknown' && mutation === 'same producer after an unknown outcome') return goesOn
    if (event === 'unknown' && mutation === 'no new claim after an unknown outcome') return goesOn
  }
  return nextStep(state, event)
}

const performers: Readonly<Record<WriterEffect, (play: Play) => void>> = {
  claim: startClaim,
  claimLater: startClaim,
  cutNext: () => undefined,
  reply: (play) => {
    for (const { call, answer } of play.owner.held) play.onAnswer(call, answer)
    endBatch(play.owner)
  },
  requeue: ({ owner }) => requeue(owner, () => undefined),
  requeueSingly: ({ owner }) => requeue(owner, (pending) => (pending.alone = true)),
  requeueInDoubt: ({ owner }) => requeue(owner, () => undefined),
  answerNotOwner: answerAll,
  answerRefused: answerAll,
  answerClosed: answerAll,
}

export function startClaim({ owner, mutation }: Play): void {
  owner.claimStep = mutation === 'no re-read after the fence' ? 'end' : 'look'
  if (mutation === 'no claim record') owner.claimStep = 'fence'
}

/** One step of taking the partition over, as `claimPartition` does it. */
export function claim(play: Play, delivery: Delivery): void {
  const { world, owner, mutation } = play
  switch (owner.claimStep) {
    case 'look':
      if (isTaken(play, stableEnd(world))) return endClaim(play, 'ownerChanged')
      owner.claimStep = 'fence'
      return
    case 'end':
      owner.end = stableEnd(world)
      owner.claimStep = 'fence'
      return
    case 'fence':
      owner.epoch = initProducerId(world, producerOf(play))
      owner.claimStep = 'settle'
      return
    case 'settle':
      settleForgotten(play)
      owner.claimStep = 'read'
      return
    case 'read':
      if (mutation !== 'no re-read after the fence') owner.end = stableEnd(world)
      return readLog(play)
    case 'record':
      return writeClaim(play, delivery)
    case 'endRecord':
      return endClaimRecord(play, delivery)
    case 'none':
  }
}

/** Cuts a batch, decides it on an overlay of what is in memory, and sends its records. */
export function cutBatch(play: Play, delivery: Delivery, batchCommands: number): void {
  const { world, owner } = play
  tell(play, 'batchCut')
  owner.cut = takeFromQueue(play, batchCommands)
  const records = owner.cut.flatMap((pending) => decide(play, pending))
  owner.cut = owner.cut.filter(({ call }) => owner.held.some((held) => held.call === call))
  if (play.mutation === 'local store beyond the log')
    owner.disk = { ...copy(owner.memory), end: world.log.length + records.length }
  if (records.length === 0) return tell(play, 'committed')
  for (const pending of owner.cut) pending.inDoubt = true
  if (delivery === 'request lost') return tell(play, 'unknown')
  // The node that forgot broke the connections when it was killed.
  if (world.producers[producerOf(play)]?.epoch === owner.epoch) settleForgotten(play)
  if (!produce(world, owner.epoch, records)) return notCommitted(play, 'fenced')
  if (delivery === 'answer lost') return tell(play, 'unknown')
  if (delivery === 'refused') {
    const end = { producer: producerOf(play), epoch: owner.epoch, outcome: 'aborted' } as const
    owner.epoch = endTransaction(world, end) ?? owner.epoch
    return notCommitted(play, 'aborted')
  }
  owner.mustEnd = true
}

/** Asks for the end of the batch's transaction. */
export function endBatchTransaction(play: Play, delivery: Delivery): void {
  const { owner, world } = play
  owner.mustEnd = false
  const ended = endOf(play, delivery)
  if (ended !== 'committed') return ended === 'unknown' ? tell(play, 'unknown') : notCommitted(play, ended)
  for (const pending of owner.cut) pending.inDoubt = false
  for (const { call, answer } of owner.held) {
    const asked = world.calls[call]
    if (asked !== undefined && (answer.kind === 'committed' || answer.kind === 'rejected'))
      owner.memory.known.push([asked.id, answer.kind, answer.version])
  }
  tell(play, 'committed')
}

function endOf(play: Play, delivery: Delivery): 'committed' | 'fenced' | 'unknown' {
  const { world, owner } = play
  const sender = { producer: producerOf(play), epoch: owner.epoch }
  if (delivery === 'request lost') return 'unknown'
  if (delivery === 'delayed') {
    world.delayed.push(sender)
    return 'unknown'
  }
  const next = endTransaction(world, { ...sender, outcome: 'committed', isForgotten: delivery === 'forgotten' })
  if (delivery === 'answer lost') return 'unknown'
  owner.epoch = next ?? owner.epoch
  return next === undefined ? 'fenced' : 'committed'
}

function settleForgotten(play: Play): void {
  if (play.mutation !== 'what a node forgot is left') settle(play.world, producerOf(play))
}

function notCommitted(play: Play, event: 'fenced' | 'aborted'): void {
  for (const pending of play.owner.cut) pending.inDoubt = false
  tell(play, event)
}

function readLog(play: Play): void {
  const { world, owner, mutation } = play
  const stored = mutation === 'local store beyond the log' ? owner.disk : undefined
  owner.memory = stored === undefined ? { version: 0, known: [] } : copy(stored)
  for (const record of world.log.slice(stored?.end ?? 0, owner.end)) {
    if (record.state !== 'committed') continue
    if (record.kind === 'event') owner.memory.version = record.version
    if (record.kind === 'claim' || mutation === 'command ids lost at a restart') continue
    owner.memory.known.push([record.id, record.kind === 'event' ? 'committed' : 'rejected', record.version])
  }
  if (mutation === 'no claim record') {
    owner.generation = Math.max(0, ...world.log.slice(0, owner.end).map(({ generation }) => generation)) + 1
    return endClaim(play, 'claimed')
  }
  if (isTaken(play, owner.end)) return endClaim(play, 'ownerChanged')
  owner.generation = Math.max(0, ...claims(world, owner.end).map(({ generation }) => generation)) + 1
  owner.claimStep = 'record'
}

function writeClaim(play: Play, delivery: Delivery): void {
  const { world, owner } = play
  const record = { ...blank(play), kind: 'claim' as const, version: owner.end }
  if (delivery === 'request lost') return endClaim(play, 'claimFailed')
  if (!produce(world, owner.epoch, [record])) return endClaim(play, 'ownerChanged')
  // Whether it will be there or not: another instance's claim from this generation on came after this one's first.
  if (play.mutation !== 'an uncertain claim is forgotten') owner.knownGeneration ??= owner.generation - 1
  owner.claimStep = 'endRecord'
}

function endClaimRecord(play: Play, delivery: Delivery): void {
  const { owner } = play
  const ended = endOf(play, delivery)
  if (ended === 'committed') owner.knownGeneration = owner.generation
  endClaim(play, ended === 'committed' ? 'claimed' : ended === 'fenced' ? 'ownerChanged' : 'claimFailed')
}

function endClaim(play: Play, event: 'claimed' | 'claimFailed' | 'ownerChanged'): void {
  play.owner.claimStep = 'none'
  tell(play, event)
}

/** The records of a command; its answer is held. A command whose end is known is answered at once. */
function decide(play: Play, { call }: Pending): readonly LogRecord[] {
  const { owner, world, mutation } = play
  const asked = world.calls[call]
  if (asked === undefined) throw new TypeError(`there is no call ${call}`)
  const { id, kind } = asked
  const known = owner.memory.known.find(([each]) => each === id)
  if (known !== undefined) {
    play.onAnswer(call, { kind: known[1], version: known[2], duplicate: true })
    return []
  }
  const { version } = owner.memory
  const accepted = accepts(kind, version)
  const answer = accepted
    ? ({ kind: 'committed', version: version + 1, duplicate: false } as const)
    : ({ kind: 'rejected', version, duplicate: false } as const)
  owner.held.push({ call, answer })
  if (mutation === 'replies before the commit') play.onAnswer(call, answer)
  if (mutation === 'rejections not held' && !accepted) play.onAnswer(call, answer)
  if (accepted) owner.memory.version += 1
  return [{ ...blank(play), kind: accepted ? 'event' : 'outcome', id, version: answer.version }]
}

function answerFromMemory(play: Play, call: number): void {
  const { owner, world } = play
  const asked = world.calls[call]
  if (asked === undefined || accepts(asked.kind, owner.memory.version)) return play.onAnswer(call, { kind: 'failed' })
  play.onAnswer(call, { kind: 'rejected', version: owner.memory.version, duplicate: false })
}

function takeFromQueue({ owner, world }: Play, batchCommands: number): Pending[] {
  const taken: Pending[] = []
  const ids = new Set<number | undefined>()
  while (taken.length < batchCommands) {
    const [next] = owner.queue
    const id = next === undefined ? undefined : world.calls[next.call]?.id
    if (next === undefined || ids.has(id) || (next.alone && taken.length > 0)) break
    ids.add(id)
    taken.push(next)
    owner.queue.shift()
    if (next.alone) break
  }
  return taken
}

function requeue(owner: Owner, mark: (pending: Pending) => void): void {
  for (const pending of owner.cut) mark(pending)
  owner.queue = [...owner.cut, ...owner.queue]
  endBatch(owner)
}

function endBatch(owner: Owner): void {
  owner.cut = []
  owner.held = []
}

function answerAll({ owner, mutation, onAnswer }: Play): void {
  for (const { call, inDoubt } of owner.queue)
    onAnswer(call, { kind: inDoubt && mutation !== 'unknown told as failed' ? 'unknown' : 'failed' })
  owner.queue = []
}

function blank(play: Play): LogRecord {
  const { generation, instance } = play.owner
  return { kind: 'claim', id: 0, version: 0, generation, instance, producer: producerOf(play), state: 'open' }
}

function producerOf({ owner, mutation }: Play): number {
  return mutation === 'no fencing' ? owner.instance % 2 : 0
}

function claims({ log }: World, end: number): readonly LogRecord[] {
  return log.slice(0, end).filter(({ kind, state }) => kind === 'claim' && state === 'committed')
}

/** Somebody else claimed since this instance did first. */
function isTaken({ world, owner }: Play, end: number): boolean {
  const known = owner.knownGeneration
  if (known === undefined) return false
  return claims(world, end).some(({ generation, instance }) => instance !== owner.instance && generation > known)
}

function copy({ version, known }: Memory): Memory {
  return { version, known: [...known] }
}
