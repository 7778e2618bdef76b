import { readFileSync } from 'node:fs'
import { buildRecordBatch, type CompressionName, type Compressors, Produce, requestFrame } from '@keyfold/protocol'
import { crc32c } from '@keyfold/bytes'
import { platformCompressors } from '../../../../libs/broker/src/server/compressors.ts'

/** Something to send to a broker that no sound client sends, and what it is, for people who look for the cause. */
export interface HostileFrame {
  readonly what: string
  /** As it goes onto the wire, size prefix included. */
  readonly bytes: Buffer
}

interface GoldenRequest {
  readonly api: string
  readonly key: number
  readonly version: number
  readonly kind: 'request' | 'response'
  readonly frame: string
}

const goldenFile = new URL('../../../wire/testdata/golden-frames.json', import.meta.url)
const { messages } = JSON.parse(readFileSync(goldenFile, 'utf8')) as { messages: GoldenRequest[] }
const golden = messages.filter(({ kind }) => kind === 'request')
const keys = [...new Set(golden.map(({ key }) => key))]

/**
 * Endless, and the same for the same seed: requests that a client of Apache Kafka wrote, every API in every version in
 * turn, each changed in some way; random bodies behind sound headers; headers and sizes that lie; batches that do.
 */
export function* hostileFrames(random: () => number): Generator<HostileFrame, never> {
  const world = { random, below: (end: number) => Math.floor(random() * end) }
  const batches = hostileBatches(world)
  for (let turn = 0; ; turn++) {
    const request = golden[turn % golden.length]
    if (request === undefined) throw new Error('there are no golden frames')
    const name = `${request.api} ${request.version}`
    const [how, change] = oneOf(world, mutations)
    yield { what: `${name}, ${how}`, bytes: framed(change(Buffer.from(request.frame, 'hex'), world)) }
    if (turn % 2 === 0) yield { what: `${name}, random body`, bytes: framed(randomBody(request, world)) }
    if (turn % 3 === 0) yield lyingHeader(world)
    if (turn % 5 === 0) yield batches.next().value
  }
}

interface World {
  readonly random: () => number
  readonly below: (end: number) => number
}

type Mutation = (frame: Buffer, world: World) => Buffer

/** Numbers that count, measure or point at something and are none that should. */
const evilInts = [-2_147_483_648, -1, -2, 0, 1, 0x7f, 0x80, 0xffff, 0x7fff_ffff, 0x00ff_ffff, 0x1000_0000] as const
/** The same as varints: five bytes that claim 2^31 and more, one that never ends. */
const evilVarints = [
  'ffffffff07',
  'ffffffff0f',
  '8080808010',
  'ffffffffffffffffff01',
  'ffffffffffffffffffff',
  '00',
] as const

const mutations: readonly (readonly [how: string, change: Mutation])[] = [
  ['as it is', (frame) => frame],
  ['one bit flipped', (frame, { below }) => withByte(frame, below(frame.length), (byte) => byte ^ (1 << below(8)))],
  [
    'bits flipped',
    (frame, world) => repeated(frame, world, (each, { below }) => withByte(each, below(each.length), () => below(256))),
  ],
  ['a lying number', (frame, world) => overwritten(frame, world, int32(oneOf(world, evilInts)))],
  [
    'lying numbers',
    (frame, world) => repeated(frame, world, (each) => overwritten(each, world, int32(oneOf(world, evilInts)))),
  ],
  ['a lying varint', (frame, world) => overwritten(frame, world, Buffer.from(oneOf(world, evilVarints), 'hex'))],
  ['a varint in between', (frame, world) => inserted(frame, world, Buffer.from(oneOf(world, evilVarints), 'hex'))],
  ['cut off', (frame, { below }) => frame.subarray(0, below(frame.length + 1))],
  ['with more behind', (frame, world) => Buffer.concat([frame, randomBytes(world, 1 + world.below(100))])],
  ['with its end twice', (frame, { below }) => Buffer.concat([frame, frame.subarray(below(frame.length))])],
  [
    'with a part missing',
    (frame, { below }) => {
      const from = bodyAt + below(Math.max(1, frame.length - bodyAt))
      return Buffer.concat([frame.subarray(0, from), frame.subarray(from + 1 + below(8))])
    },
  ],
  [
    'in another version',
    (frame, { below }) => {
      const changed = Buffer.from(frame)
      changed.writeInt16BE(below(16), 2)
      return changed
    },
  ],
]

/** Where the client id begins: key, version and correlation id lie before it. */
const bodyAt = 8

function repeated(frame: Buffer, world: World, change: Mutation): Buffer {
  let changed = frame
  for (let count = 1 + world.below(8); count > 0; count--) changed = change(changed, world)
  return changed
}

function withByte(frame: Buffer, at: number, change: (byte: number) => number): Buffer {
  if (frame.length <= bodyAt) return frame
  const changed = Buffer.from(frame)
  // Key and version stay, so that the body comes to where it is meant for.
  const place = Math.max(at, bodyAt)
  changed.writeUInt8(change(changed.readUInt8(place)) & 0xff, place)
  return changed
}

function overwritten(frame: Buffer, { below }: World, bytes: Buffer): Buffer {
  const changed = Buffer.from(frame)
  bytes.copy(changed, bodyAt + below(Math.max(1, frame.length - bodyAt)))
  return changed
}

function inserted(frame: Buffer, { below }: World, bytes: Buffer): Buffer {
  const at = bodyAt + below(Math.max(1, frame.length - bodyAt))
  return Buffer.concat([frame.subarray(0, at), bytes, frame.subarray(at)])
}

function randomBody({ frame }: GoldenRequest, world: World): Buffer {
  return Buffer.concat([Buffer.from(frame, 'hex').subarray(0, bodyAt), randomBytes(world, world.below(300))])
}

function lyingHeader(world: World): HostileFrame {
  const key = oneOf(world, [...keys, 4, 71, 999, -1])
  const head = Buffer.alloc(10)
  head.writeInt16BE(key, 0)
  head.writeInt16BE(world.below(20) - 2, 2)
  head.writeInt16BE(oneOf(world, [-1, 0, 5, 0x7fff, -32_768]), 8)
  const tags = Buffer.from(oneOf(world, evilVarints), 'hex')
  const body = Buffer.concat([head, tags, randomBytes(world, world.below(60))])
  const size = int32(oneOf(world, [...evilInts, body.length, body.length]))
  return { what: `key ${key} behind a size of ${size.readInt32BE()}`, bytes: Buffer.concat([size, body]) }
}

/** Batches whose header, records or compression lie, for the topics of the lane. */
function* hostileBatches(world: World): Generator<HostileFrame, never> {
  const sound = [...codecs].map((compression) => batchOf(compression))
  const evil = Object.entries(bombs())
  for (let turn = 0; ; turn++) {
    const [name, bomb] = evil[turn % evil.length] ?? ['', Buffer.alloc(0)]
    // Only where records are looked at: elsewhere a bomb is as good as any batch, and is kept.
    yield produced(`a bomb of ${name}`, bomb, ['compacted'])
    const batch = oneOf(world, sound)
    const [how, change] = oneOf(world, mutations)
    yield produced(`a batch, ${how}`, change(Buffer.from(batch), world))
    const changed = change(Buffer.from(batch), world)
    yield produced(`a batch with a valid checksum, ${how}`, changed.length > 61 ? rehashed(changed) : changed)
  }
}

const codecs: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const compressors = platformCompressors()

function batchOf(compression: CompressionName): Buffer {
  const records = Array.from({ length: 5 }, (_, n) => ({ key: Buffer.from(`k${n}`), value: Buffer.alloc(50, n) }))
  return buildRecordBatch({ records, timestamp: 1_700_000_000_000, compression, compressors })
}

const mebibyte = 1_048_576
const bombMebibytes = 256

/** Batches that would become 256 MiB: a piece of one MiB after the other, each as small as its codec makes it. */
function bombs(): Record<string, Buffer> {
  const zeros = Buffer.alloc(mebibyte)
  const entries = codecs.flatMap((name): [string, Buffer][] => {
    const compressor = name === 'none' ? undefined : compressors[name]
    if (compressor === undefined || name === 'none') return []
    const piece = compressor.compress(zeros)
    // Snappy's frame has one header, then blocks; the others are frames behind each other.
    const headerBytes = name === 'snappy' ? 16 : 0
    const blocks = Array.from({ length: bombMebibytes }, () => piece.subarray(headerBytes))
    const whole = Buffer.concat([piece.subarray(0, headerBytes), ...blocks])
    const compressed: Compressors = { [name]: { compress: () => whole, decompress: () => whole } }
    const records = [{ key: Buffer.from('k'), value: Buffer.alloc(1) }]
    return [[name, buildRecordBatch({ records, compression: name, compressors: compressed })]]
  })
  return Object.fromEntries(entries)
}

/** With a checksum that fits, so that the records are looked at. */
function rehashed(batch: Buffer): Buffer {
  const changed = Buffer.from(batch)
  changed.writeInt32BE(changed.length - 12, 8)
  changed.writeUInt32BE(crc32c(changed.subarray(21)), 17)
  return changed
}

function produced(what: string, records: Buffer, topics = ['compacted', 'plain']): HostileFrame {
  const topicData = topics.map((name) => ({ name, partitionData: [{ index: 0, records }] }))
  const request = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData }
  const header = { correlationId: 1, clientId: 'hostile' }
  return { what, bytes: Buffer.concat(requestFrame(Produce, 9, header, request)) }
}

function framed(body: Buffer): Buffer {
  return Buffer.concat([int32(body.length), body])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function randomBytes({ below }: World, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => below(256)))
}

function oneOf<T>({ below }: World, list: readonly T[]): T {
  const found = list[below(list.length)]
  if (found === undefined) throw new Error('nothing to choose from')
  return found
}
