import { avroType, decodeWire, encodeWire } from '@keyfold/avro'
import avsc from 'avsc'
import { setTimeout } from 'node:timers/promises'
import { median, printTable, whole } from '../figures.ts'
import { type BankEvent, EVENTS } from './events.ts'

/**
 * Encodes and decodes events of the bank with the codec of this framework (header, schema id, bigint longs), with avsc
 * alone (no header, longs as numbers) and as JSON, in turns, and prints medians and how they compare.
 */
const rounds = Number(process.env['KEYFOLD_BENCH_ROUNDS'] ?? 9)
const slice = Number(process.env['KEYFOLD_BENCH_SLICE_MS'] ?? 150)

interface Contestant {
  readonly task: string
  readonly name: 'codec' | 'avsc' | 'JSON'
  run(): unknown
}

function contestantsOf(event: BankEvent): readonly Contestant[] {
  const type = avroType(event.newest)
  const plain = avsc.Type.forSchema(JSON.parse(event.newest) as avsc.Schema)
  const numbers = withNumbers(event.value)
  const stored = encodeWire(7, type.encode(event.value))
  const body = plain.toBuffer(numbers)
  const json = JSON.stringify(numbers)
  const read = type.readerOf(type)
  const contestants: Contestant[] = [
    { task: 'encode', name: 'codec', run: () => encodeWire(7, type.encode(event.value)) },
    { task: 'encode', name: 'avsc', run: () => plain.toBuffer(numbers) },
    { task: 'encode', name: 'JSON', run: () => Buffer.from(JSON.stringify(numbers)) },
    { task: 'decode', name: 'codec', run: () => read(stored, decodeWire(stored).bodyOffset) },
    { task: 'decode', name: 'avsc', run: () => plain.fromBuffer(body) },
    { task: 'decode', name: 'JSON', run: () => JSON.parse(json) as unknown },
  ]
  if (event.previous === undefined) return contestants
  const before = avroType(event.previous)
  const plainBefore = avsc.Type.forSchema(JSON.parse(event.previous) as avsc.Schema)
  const storedBefore = encodeWire(3, before.encode(event.previousValue))
  const bodyBefore = plainBefore.toBuffer(withNumbers(event.previousValue ?? {}))
  const readBefore = type.readerOf(before)
  const resolver = plain.createResolver(plainBefore)
  return [
    ...contestants,
    { task: 'v1 → v2', name: 'codec', run: () => readBefore(storedBefore, decodeWire(storedBefore).bodyOffset) },
    { task: 'v1 → v2', name: 'avsc', run: () => plain.fromBuffer(bodyBefore, resolver) },
  ]
}

/** What avsc alone writes: it has no bigint. */
function withNumbers(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, typeof member === 'bigint' ? Number(member) : member]),
  )
}

let sink: unknown

/** Calls per second of processor time, over one slice. */
function measure({ run }: Contestant): number {
  let calls = 0
  const start = process.cpuUsage()
  for (;;) {
    for (let left = 2_000; left > 0; left--) sink = run()
    calls += 2_000
    const { user } = process.cpuUsage(start)
    if (user > slice * 1000) return (calls / user) * 1e6
  }
}

const rows: string[][] = []
const ratios: number[] = []
for (const event of EVENTS) {
  const contestants = contestantsOf(event)
  const samples = new Map(contestants.map((contestant) => [contestant, [] as number[]]))
  for (const contestant of contestants) measure(contestant)
  for (let round = 0; round < rounds; round++) {
    // Each round in another order, so that none always runs after the same one.
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      samples.get(contestant)?.push(measure(contestant))
    }
    await setTimeout(0)
  }
  const perSecond = (task: string, name: Contestant['name']) => {
    const contestant = contestants.find((one) => one.task === task && one.name === name)
    return contestant && median(samples.get(contestant) ?? [])
  }
  for (const task of new Set(contestants.map((contestant) => contestant.task))) {
    const [codec = Number.NaN, alone = Number.NaN, json] = (['codec', 'avsc', 'JSON'] as const).map((name) =>
      perSecond(task, name),
    )
    if (task !== 'encode') ratios.push(codec / alone)
    const shown = [codec, alone, json].map((value) => (value === undefined ? '–' : whole(value)))
    rows.push([
      event.name,
      task,
      ...shown,
      (codec / alone).toFixed(2),
      json === undefined ? '–' : (codec / json).toFixed(2),
    ])
  }
}
printTable(
  `Node ${process.version}, ${rounds} rounds of ${slice} ms each in turns, medians of calls per second of processor time`,
  ['event', 'task', 'codec', 'avsc', 'JSON', 'codec / avsc', 'codec / JSON'],
  rows,
)
console.log(`lowest decode / avsc: ${Math.min(...ratios).toFixed(2)} (wanted: 0.9)`)
if (sink === undefined) process.exitCode = 1
