import type { BatchFlaw, BatchSpec, Operation } from '../operation.ts'
import type { Plan, Planned, Script, ScriptProducer, ScriptTopic } from '../script.ts'

interface ProduceAnswer {
  readonly responses: readonly { readonly partitionResponses: readonly { readonly errorCode: number }[] }[]
}

export interface ProduceShape {
  readonly title: string
  readonly topic: ScriptTopic
  readonly partition: number
  readonly batches: readonly BatchSpec[]
  readonly acks?: number
  readonly version?: { readonly min?: number; readonly max?: number }
  readonly transactionalId?: string | null
  readonly about?: readonly string[]
}

/** Produce to one partition. */
export function produceTo(script: Script, shape: ProduceShape): Operation | undefined {
  const { topic, partition, batches, acks = -1 } = shape
  // From 12 on a transactional batch adds its partition itself (KIP-890): plans ask for that.
  const version = script.version('Produce', { min: 3, max: 11, ...shape.version })
  if (version === undefined) return undefined
  const partitionData = [{ index: partition, records: { $: 'batches', of: batches } }]
  return {
    title: `produce: ${shape.title}`,
    api: 'Produce',
    version,
    connection: 'main',
    about: [topic.name, ...(shape.about ?? [])],
    ...(acks === 0 && { answer: 'none', settle: [{ kind: 'pause', ms: 300 }] }),
    request: {
      transactionalId: shape.transactionalId ?? null,
      acks,
      timeoutMs: 5_000,
      topicData: [{ ...named(topic.name, version >= 13), partitionData }],
    },
  }
}

/** A topic's name, or its id where requests carry ids. */
export function named(name: string, byId: boolean) {
  return byId ? { topicId: { $: 'topicId', of: name } } : { name }
}

/** Batches of plain producers, to one partition or several, some of which do not exist. */
export const plainProduce: Plan = (script) => {
  const topic = script.pick(script.topics)
  const version = script.version('Produce', { min: 3 })
  if (topic === undefined || version === undefined) return undefined
  const compression = script.one('none', 'none', 'gzip', ...(version >= 7 ? (['zstd'] as const) : []))
  const targets = Array.from({ length: script.between(1, 3) }, () => topic)
  const indexes = new Set(targets.map((each) => (script.chance(0.05) ? 99 : script.partitionOf(each))))
  const partitionData = [...indexes].map((index) => ({
    index,
    records: { $: 'batches', of: [{ records: script.records(topic), compression }] },
  }))
  const unknown = { ...named('no-such-topic', version >= 13), partitionData: partitionData.slice(0, 1) }
  const acks = script.one(-1, -1, 1)
  const topicData = [{ ...named(topic.name, version >= 13), partitionData }, ...(script.chance(0.1) ? [unknown] : [])]
  return {
    operation: {
      title: `produce: plain, ${compression}`,
      api: 'Produce',
      version,
      connection: 'main',
      about: [topic.name],
      request: { transactionalId: null, acks, timeoutMs: 5_000, topicData },
    },
  }
}

export const unacknowledgedProduce: Plan = (script) => {
  const topic = script.pick(script.topics)
  if (topic === undefined) return undefined
  const batches = [{ records: script.records(topic) }]
  return planned(produceTo(script, { title: 'acks=0', topic, partition: script.partitionOf(topic), batches, acks: 0 }))
}

export const wrongAcks: Plan = (script) => {
  const topic = script.pick(script.topics)
  if (topic === undefined) return undefined
  const batches = [{ records: script.records(topic) }]
  return planned(produceTo(script, { title: 'acks=2', topic, partition: 0, batches, acks: script.one(2, -2) }))
}

/** Batches with something wrong in them. */
export const flawedProduce: Plan = (script) => {
  const topic = script.pick(script.topics)
  if (topic === undefined) return undefined
  const flaws: readonly [BatchFlaw, ...BatchFlaw[]] = [
    'crc',
    'magic 0',
    'magic 1',
    'base offset',
    'control',
    'count',
    'negative count',
    'last offset delta',
    'log append time',
    'compression 5',
    'no sequence',
    'batch length',
    'cut',
    'huge',
    'garbage payload',
  ]
  const flaw = script.one(...flaws)
  const good = { records: script.records(topic, 2) }
  const far = { ...good, records: good.records.map((each) => ({ ...each, timestamp: script.nowMs + 10_800_000 })) }
  const keyless = { ...good, records: good.records.map((each) => ({ ...each, key: null })) }
  const shapes: readonly [string, readonly BatchSpec[]][] = [
    [flaw, [{ ...good, flaw }]],
    [flaw, [{ ...good, flaw }]],
    [flaw, [{ ...good, flaw, compression: 'gzip' }]],
    ['two batches', [good, good]],
    ['no batch', []],
    ['far in the future', [far]],
    ['no keys', [keyless]],
    ['zstd', [{ ...good, compression: 'zstd' }]],
  ]
  const [title, batches] = script.pick(shapes) ?? ['two batches', [good, good]]
  return planned(produceTo(script, { title, topic, partition: script.partitionOf(topic), batches }))
}

export const initIdempotent: Plan = (script) => {
  const version = script.version('InitProducerId')
  if (version === undefined || script.producers.length > 12) return undefined
  const name = script.fresh('p')
  return {
    operation: {
      title: 'init an idempotent producer',
      api: 'InitProducerId',
      version,
      connection: 'main',
      about: [name],
      names: { producer: name },
      retryOn: [14],
      request: { transactionalId: null, transactionTimeoutMs: 60_000 },
    },
    learn: () => script.producers.push(newProducer(name, null)),
  }
}

export function newProducer(name: string, transactionalId: string | null): ScriptProducer {
  return { name, transactionalId, appended: new Map(), inTransaction: new Set(), written: new Set(), hasOffsets: false }
}

/** The next batch of an idempotent producer, an old one again, one after a gap, or one of another epoch. */
export const idempotentProduce: Plan = (script) => {
  const producer = script.pick(script.producers.filter(({ transactionalId }) => transactionalId === null))
  const topic = script.pick(script.topics)
  if (producer === undefined || topic === undefined) return undefined
  return sequencedProduce(script, { producer, topic, partition: script.partitionOf(topic) })
}

export interface SequencedShape {
  readonly producer: ScriptProducer
  readonly topic: ScriptTopic
  readonly partition: number
  readonly isTransactional?: boolean
  readonly version?: { readonly min?: number; readonly max?: number }
}

export function sequencedProduce(script: Script, shape: SequencedShape): Planned | undefined {
  const { producer, topic, partition, isTransactional = false } = shape
  const place = `${topic.name}/${partition}`
  const appended = producer.appended.get(place) ?? []
  const last = appended.at(-1)
  const next = last === undefined ? 0 : last.baseSequence + last.count
  const again = script.pick(appended.slice(-7))
  const chosen = script.one('next', 'next', 'next', 'next', 'again', 'gap', 'overlap', 'old epoch', 'new epoch')
  // An epoch that its coordinator does not know of would keep Kafka from ever ending the producer's transaction.
  const isForeign = producer.transactionalId !== null && chosen === 'new epoch'
  // A repetition that comes before the transaction's own batches is remembered otherwise (broker-differences.md, 16).
  const isEarly = isTransactional && chosen === 'again' && !producer.written.has(place)
  const manner = isForeign || isEarly ? 'next' : chosen
  const count = manner === 'again' && again !== undefined ? again.count : script.between(1, 4)
  const baseSequences = { again: again?.baseSequence ?? next, gap: next + 3, overlap: Math.max(0, next - 1) }
  const baseSequence = manner in baseSequences ? baseSequences[manner as keyof typeof baseSequences] : next
  const epochPlus = { 'old epoch': -1, 'new epoch': 1 }[manner as string] ?? 0
  const batch: BatchSpec = {
    records: script.records(topic, count),
    producer: producer.name,
    baseSequence,
    epochPlus,
    isTransactional,
  }
  const operation = produceTo(script, {
    title: `${isTransactional ? 'transactional' : 'idempotent'}, ${manner} (sequence ${baseSequence}, ${count} records)`,
    topic,
    partition,
    batches: [batch],
    transactionalId: isTransactional ? producer.transactionalId : null,
    about: [producer.name],
    ...(shape.version && { version: shape.version }),
  })
  if (operation === undefined) return undefined
  return {
    operation,
    learn: (answer) => {
      const isAppended = (answer as ProduceAnswer).responses[0]?.partitionResponses[0]?.errorCode === 0
      if (isAppended && isTransactional) producer.written.add(place)
      if (isAppended && manner !== 'again') producer.appended.set(place, [...appended, { baseSequence, count }])
    },
  }
}

export function planned(operation: Operation | undefined): Planned | undefined {
  return operation === undefined ? undefined : { operation }
}
