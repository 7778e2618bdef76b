import type { WriterState } from '../../libs/event-store/src/writer/writer-machine.ts'

/*
 * The world of the write side, small enough to be explored whole: one partition, one aggregate that is a switch, two
 * owners, a few calls. Everything is plain data, so that a state is its own name.
 */

/** `on` is accepted by a switch that is off, `off` by one that is on: a rejection is true at some versions only. */
export type CommandKind = 'on' | 'off'

/** What a client asks, in this order; each call may go to either owner, at any time. */
export interface CallScript {
  readonly id: number
  readonly kind: CommandKind
}

export type Answer =
  | { readonly kind: 'committed' | 'rejected'; readonly version: number; readonly duplicate: boolean }
  | { readonly kind: 'failed' | 'unknown' }

export interface Call extends CallScript {
  /** The newest version that anybody had been told of when the call was made. */
  readonly acknowledgedBefore: number
  answer: Answer | undefined
}

/** A record of the partition's log. Claims and outcomes, which have a topic of their own, stand in the same order. */
export interface LogRecord {
  readonly kind: 'event' | 'outcome' | 'claim'
  /** Of events and outcomes. */
  readonly id: number
  /** Of events: the aggregate's version. Of outcomes: the version that the rejection rests on. Of claims: what was read. */
  readonly version: number
  readonly generation: number
  readonly instance: number
  readonly producer: number
  state: 'open' | 'committed' | 'aborted'
}

/** A transactional id at its coordinator. */
export interface Producer {
  epoch: number
  /** A transaction is under way. */
  isOpen: boolean
  /** How the last one ended. It outlives InitProducerId: a note that the client hands over keeps it. */
  ended: 'committed' | 'aborted'
}

/** What an owner knows of a command id: the answer that it got. */
export type Known = readonly [id: number, kind: 'committed' | 'rejected', version: number]

export interface Memory {
  version: number
  readonly known: Known[]
}

/** A call inside an owner. */
export interface Pending {
  readonly call: number
  inDoubt: boolean
  alone: boolean
}

export interface Owner {
  /** Changes with every start. */
  instance: number
  state: WriterState | 'down'
  claimStep: 'none' | 'look' | 'end' | 'fence' | 'settle' | 'read' | 'record' | 'endRecord'
  epoch: number
  /** How far the claim reads. */
  end: number
  generation: number
  /** Of its last claim that succeeded; before that, the one before its first attempt. */
  knownGeneration: number | undefined
  memory: Memory
  queue: Pending[]
  cut: Pending[]
  held: { readonly call: number; readonly answer: Answer }[]
  /** Records are at the broker, the end of the transaction is not asked for yet. */
  mustEnd: boolean
  /** The local store: survives a crash. */
  disk: (Memory & { readonly end: number }) | undefined
}

/** EndTxn that is on its way although nobody waits for it any more. */
export interface DelayedEnd {
  readonly producer: number
  readonly epoch: number
}

export interface World {
  readonly log: LogRecord[]
  readonly producers: Producer[]
  /** Every end of a transaction takes its producer to a new epoch (KIP-890). */
  readonly bumpsEpoch: boolean
  readonly delayed: DelayedEnd[]
  readonly owners: Owner[]
  readonly calls: Call[]
  /** What may still go wrong. */
  faults: number
  starts: number
}

export interface Bounds {
  readonly script: readonly CallScript[]
  /** Lost requests, lost answers, delayed EndTxn, refused records, forgotten markers, crashes, in all. */
  readonly faults: number
  /** How often a process starts, over both owners. */
  readonly starts: number
  readonly batchCommands: number
  /** Of the protocol of transactions. */
  readonly transactions: 1 | 2
}

export function newWorld({ faults, starts, transactions }: Bounds): World {
  return {
    log: [],
    producers: [0, 1].map(() => ({ epoch: -1, isOpen: false, ended: 'aborted' })),
    bumpsEpoch: transactions === 2,
    delayed: [],
    owners: [newOwner(0), newOwner(1)],
    calls: [],
    faults,
    starts,
  }
}

export function newOwner(instance: number): Owner {
  return {
    instance,
    state: 'down',
    claimStep: 'none',
    epoch: -1,
    end: 0,
    generation: 0,
    knownGeneration: undefined,
    memory: { version: 0, known: [] },
    queue: [],
    cut: [],
    held: [],
    mustEnd: false,
    disk: undefined,
  }
}

export function copyOf(world: World): World {
  return {
    ...world,
    log: world.log.map((record) => ({ ...record })),
    producers: world.producers.map((producer) => ({ ...producer })),
    delayed: [...world.delayed],
    owners: world.owners.map((owner) => ({
      ...owner,
      memory: { version: owner.memory.version, known: [...owner.memory.known] },
      queue: owner.queue.map((pending) => ({ ...pending })),
      cut: owner.cut.map((pending) => ({ ...pending })),
      held: [...owner.held],
    })),
    calls: world.calls.map((call) => ({ ...call })),
  }
}

/** The state's name: worlds with the same name have the same future. */
export function nameOf(world: World): string {
  return JSON.stringify(world)
}

export function accepts(kind: CommandKind, version: number): boolean {
  return (kind === 'on') === (version % 2 === 0)
}
