import type { BufferReader, BufferWriter } from '@keyfold/bytes'
import { KafkaError, type RecordBatchHeader } from '@keyfold/protocol'

/** A batch that a producer may still send again. */
interface RememberedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly timestamp: number
  readonly lsn: number
}

interface ProducerState {
  epoch: number
  coordinatorEpoch: number
  /** The largest timestamp of its batches and markers: what expiry counts from. */
  lastTimestamp: number
  batches: RememberedBatch[]
}

/** What a partition makes of a batch from an idempotent producer. */
export type SequenceVerdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'duplicate'; readonly batch: RememberedBatch }
  | { readonly kind: 'refused'; readonly error: KafkaError; readonly reason: string }

export interface ProducerDescription {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
}

/** Idempotent producers may have five requests in flight, so any of the last five batches may come again. */
const rememberedBatchesMax = 5
const sequenceMax = 2_147_483_647
const noSequence = -1
const noEpoch = -1

/** Sequence numbers of the producers that write to one partition (KIP-98): finds duplicates, gaps and fenced epochs. */
export class ProducerStates {
  readonly #byId = new Map<number, ProducerState>()

  /** Judges a batch with a producer id; changes nothing. */
  check(header: RecordBatchHeader, { mustStartAtZero = false } = {}): SequenceVerdict {
    const state = this.#byId.get(header.producerId)
    if (state === undefined) {
      // Seen never or too long ago: any sequence may start, unless the producer must be new here (KIP-890).
      if (!mustStartAtZero || header.baseSequence === 0) return { kind: 'accepted' }
      return outOfOrder(`the first batch of a producer has sequence ${header.baseSequence}, not 0`)
    }
    const duplicate = findDuplicate(state, header)
    if (duplicate !== undefined) return { kind: 'duplicate', batch: duplicate }
    if (header.producerEpoch < state.epoch) {
      const reason = `producer ${header.producerId} has epoch ${state.epoch} by now, not ${header.producerEpoch}`
      return { kind: 'refused', error: KafkaError.INVALID_PRODUCER_EPOCH, reason }
    }
    // A batch without an epoch says nothing about what follows.
    if (state.epoch === noEpoch) return { kind: 'accepted' }
    const last = header.producerEpoch === state.epoch ? lastSequenceOf(state) : noSequence
    if (header.baseSequence === nextSequence(last)) return { kind: 'accepted' }
    return outOfOrder(`sequence ${header.baseSequence} after ${last} of producer ${header.producerId}`)
  }

  /** Takes over a batch that is in the log. */
  apply(header: RecordBatchHeader, lsn: number): void {
    const state = this.#enter(header)
    state.batches.push({
      firstSequence: header.baseSequence,
      lastSequence: lastSequenceIn(header),
      baseOffset: header.baseOffset,
      timestamp: header.maxTimestamp,
      lsn,
    })
    if (state.batches.length > rememberedBatchesMax) state.batches.shift()
  }

  /** Takes over a transaction marker: its epoch fences older ones. */
  applyMarker(header: RecordBatchHeader, coordinatorEpoch: number): void {
    const state = this.#enter(header)
    // Never back: a marker from outside may have brought a greater one than ours.
    state.coordinatorEpoch = Math.max(state.coordinatorEpoch, coordinatorEpoch)
  }

  /** Producers that have been silent since `beforeMs`. */
  silentSince(beforeMs: number): number[] {
    return [...this.#byId].filter(([, state]) => state.lastTimestamp < beforeMs).map(([producerId]) => producerId)
  }

  forget(producerId: number): void {
    this.#byId.delete(producerId)
  }

  /**
   * Whether what a producer may do next is known from this batch: the last one with data of its epoch or, without any,
   * a marker of that epoch (statement 79).
   */
  needs({ producerId, producerEpoch, baseOffset, isControl }: RecordBatchHeader): boolean {
    const state = this.#byId.get(producerId)
    const last = state?.batches.at(-1)
    return last === undefined ? isControl && producerEpoch === state?.epoch : baseOffset === last.baseOffset
  }

  describe(): ProducerDescription[] {
    return [...this.#byId].map(([producerId, state]) => descriptionOf(producerId, state))
  }

  describeOne(producerId: number): ProducerDescription | undefined {
    const state = this.#byId.get(producerId)
    return state === undefined ? undefined : descriptionOf(producerId, state)
  }

  write(writer: BufferWriter): void {
    writer.writeInt32(this.#byId.size)
    for (const [producerId, state] of this.#byId) {
      writer.writeInt64(producerId)
      writer.writeInt16(state.epoch)
      writer.writeInt32(state.coordinatorEpoch)
      writer.writeFloat64(state.lastTimestamp)
      writer.writeInt32(state.batches.length)
      for (const batch of state.batches) {
        writer.writeInt32(batch.firstSequence)
        writer.writeInt32(batch.lastSequence)
        writer.writeInt64(batch.baseOffset)
        writer.writeFloat64(batch.timestamp)
        writer.writeInt64(batch.lsn)
      }
    }
  }

  read(reader: BufferReader): void {
    for (let count = reader.readInt32(); count > 0; count--) {
      const producerId = reader.readInt64()
      const epoch = reader.readInt16()
      const coordinatorEpoch = reader.readInt32()
      const lastTimestamp = reader.readFloat64()
      const batches: RememberedBatch[] = []
      for (let left = reader.readInt32(); left > 0; left--) {
        batches.push({
          firstSequence: reader.readInt32(),
          lastSequence: reader.readInt32(),
          baseOffset: reader.readInt64(),
          timestamp: reader.readFloat64(),
          lsn: reader.readInt64(),
        })
      }
      this.#byId.set(producerId, { epoch, coordinatorEpoch, lastTimestamp, batches })
    }
  }

  /** The producer's state in the epoch of this batch: a new epoch remembers nothing of the one before. */
  #enter({ producerId, producerEpoch, maxTimestamp }: RecordBatchHeader): ProducerState {
    const known = this.#byId.get(producerId)
    const state = known ?? { epoch: producerEpoch, coordinatorEpoch: -1, lastTimestamp: -1, batches: [] }
    if (known === undefined) this.#byId.set(producerId, state)
    if (producerEpoch > state.epoch) {
      state.epoch = producerEpoch
      state.batches = []
    }
    state.lastTimestamp = Math.max(state.lastTimestamp, maxTimestamp)
    return state
  }
}

function descriptionOf(producerId: number, state: ProducerState): ProducerDescription {
  return {
    producerId,
    producerEpoch: state.epoch,
    lastSequence: lastSequenceOf(state),
    lastTimestamp: state.lastTimestamp,
    coordinatorEpoch: state.coordinatorEpoch,
  }
}

function findDuplicate(state: ProducerState, header: RecordBatchHeader): RememberedBatch | undefined {
  if (header.producerEpoch !== state.epoch) return undefined
  const lastSequence = lastSequenceIn(header)
  return state.batches.find(
    (batch) => batch.firstSequence === header.baseSequence && batch.lastSequence === lastSequence,
  )
}

function lastSequenceOf(state: ProducerState): number {
  return state.batches.at(-1)?.lastSequence ?? noSequence
}

/** Sequences wrap from 2^31 - 1 to 0; a batch may lie across. */
function lastSequenceIn({ baseSequence, lastOffsetDelta }: RecordBatchHeader): number {
  return baseSequence > sequenceMax - lastOffsetDelta
    ? lastOffsetDelta - (sequenceMax - baseSequence) - 1
    : baseSequence + lastOffsetDelta
}

function nextSequence(last: number): number {
  return last === sequenceMax ? 0 : last + 1
}

function outOfOrder(reason: string): SequenceVerdict {
  return { kind: 'refused', error: KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, reason }
}
