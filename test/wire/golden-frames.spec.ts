import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { BufferReader, BufferWriter, murmur2, partitionForKey } from '@keyfold/bytes'
import {
  type AnyApi,
  apis,
  buildControlBatch,
  codecOf,
  type CodecMode,
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestHeader,
  encodeResponseHeader,
  hasValidCrc,
  readBatchHeader,
  readRecords,
  readTransactionMarker,
  requestHeaderVersion,
  responseHeaderVersion,
  setLogAppendTime,
} from '@keyfold/protocol'
import { describe, expect, it } from 'vitest'

/** What GoldenFrames.java prints. */
interface GoldenFile {
  readonly messages: readonly GoldenMessage[]
  readonly batches: readonly GoldenBatch[]
  readonly keys: readonly { key: string; murmur2: number; partitions: number; partition: number }[]
}

interface GoldenMessage {
  readonly api: string
  readonly key: number
  readonly version: number
  readonly kind: 'request' | 'response'
  readonly correlationId: number
  readonly clientId?: string | null
  /** Header and body, without the size prefix. */
  readonly frame: string
  readonly value: JsonObject
}

interface GoldenBatch {
  readonly name: string
  readonly batch: string
  readonly crc: number
  readonly records: readonly {
    offset: number
    timestamp: number
    key: string | null
    value: string | null
    headers: readonly { key: string; value: string | null }[]
  }[]
  readonly [field: string]: unknown
}

type Json = string | number | boolean | null | readonly Json[] | JsonObject
interface JsonObject {
  readonly [name: string]: Json
}

const golden = JSON.parse(readFileSync(new URL('testdata/golden-frames.json', import.meta.url), 'utf8')) as GoldenFile
const modes: readonly CodecMode[] = ['compiled', 'interpreted']

describe.each(modes)("Kafka's own frames, %s codec", (mode) => {
  it.each(apis)('$name: every version decodes to the same values and encodes to the same bytes', (api) => {
    for (let version = api.versions[0]; version <= api.versions[1]; version++) {
      const messages = golden.messages.filter((message) => message.key === api.key && message.version === version)
      // Two fillings of a request and a response.
      expect(messages, `version ${version}`).toHaveLength(4)
      for (const message of messages) checkMessage(api, message, mode)
    }
  })
})

describe("Kafka's own record batches", () => {
  it.each(golden.batches)(
    '$name: header and records read as Kafka reads them',
    ({ name, batch, records, ...header }) => {
      const bytes = Buffer.from(batch, 'hex')
      expect(readBatchHeader(bytes)).toMatchObject({ ...header, recordCount: records.length })
      expect(hasValidCrc(bytes)).toBe(true)
      const gzip = {
        compress: () => Buffer.alloc(0),
        decompress: (compressed: Buffer, maxOutputLength: number) => gunzipSync(compressed, { maxOutputLength }),
      }
      const read = [...readRecords(bytes, 0, { compressors: { gzip } })].map((record) => ({
        ...record,
        key: record.key?.toString('base64') ?? null,
        value: record.value?.toString('base64') ?? null,
        headers: record.headers.map(({ key, value }) => ({ key, value: value?.toString('base64') ?? null })),
      }))
      expect(read, name).toEqual(records)
    },
  )

  it('a transaction marker that we build is the one that Kafka builds, byte for byte', () => {
    for (const type of ['commit', 'abort'] as const) {
      const bytes = batchNamed(`control ${type}`)
      const ours = buildControlBatch({
        type,
        coordinatorEpoch: 12,
        baseOffset: 77,
        timestamp: 1_700_000_000_500,
        producerId: 4001,
        producerEpoch: 2,
        partitionLeaderEpoch: 6,
      })
      expect(ours.toString('hex')).toBe(bytes.toString('hex'))
      const [record] = readRecords(bytes)
      expect(record && readTransactionMarker(record)).toEqual({ type, coordinatorEpoch: 12 })
    }
  })

  it('the LogAppendTime that we set leaves a batch that reads as Kafka writes it', () => {
    const bytes = batchNamed('plain')
    setLogAppendTime(bytes, 0, 1_700_000_999_999)
    expect(hasValidCrc(bytes)).toBe(true)
    expect([...readRecords(bytes)]).toEqual([...readRecords(batchNamed('log append time'))])
  })
})

describe("Kafka's default partitioner", () => {
  it.each(golden.keys)('key $key goes to partition $partition of $partitions', (vector) => {
    const key = Buffer.from(vector.key, 'hex')
    expect(murmur2(key)).toBe(vector.murmur2)
    expect(partitionForKey(key, vector.partitions)).toBe(vector.partition)
  })
})

function batchNamed(name: string): Buffer {
  return Buffer.from(golden.batches.find((batch) => batch.name === name)?.batch ?? '', 'hex')
}

function checkMessage(api: AnyApi, message: GoldenMessage, mode: CodecMode): void {
  const frame = Buffer.from(message.frame, 'hex')
  const codec = codecOf(api, message.version, mode)
  // So small that it has to grow at every field.
  const writer = new BufferWriter(1)
  if (message.kind === 'request') {
    const header = decodeRequestHeader(frame)
    expect(header).toMatchObject({ api, apiVersion: message.version, clientId: message.clientId })
    const value = decodeAll(frame, header.bodyOffset, (reader) => codec.decodeRequest(reader))
    expectSame(value, message.value, api.name)
    encodeRequestHeader(writer, requestHeaderVersion(api, message.version), header)
    codec.encodeRequest(writer, value)
  } else {
    const { correlationId, bodyOffset } = decodeResponseHeader(api, message.version, frame)
    expect(correlationId).toBe(message.correlationId)
    const value = decodeAll(frame, bodyOffset, (reader) => codec.decodeResponse(reader))
    expectSame(value, message.value, api.name)
    encodeResponseHeader(writer, responseHeaderVersion(api, message.version), correlationId)
    codec.encodeResponse(writer, value)
  }
  expect(writer.toBuffer().toString('hex'), `${api.name} ${message.kind} version ${message.version}`).toBe(
    message.frame,
  )
}

/** Decodes a body and expects it to be exactly as long as the rest of the frame. */
function decodeAll<T>(frame: Buffer, bodyOffset: number, decode: (reader: BufferReader) => T): T {
  const reader = new BufferReader(frame, bodyOffset)
  const value = decode(reader)
  expect(reader.remaining).toBe(0)
  return value
}

/** Kafka's JSON form leaves out tagged fields at their defaults, and shows records only as a size. */
function expectSame(decoded: unknown, expected: Json, path: string): void {
  if (Array.isArray(expected)) {
    expect(decoded, path).toHaveLength(expected.length)
    for (const [index, item] of expected.entries()) expectSame((decoded as unknown[])[index], item, `${path}[${index}]`)
  } else if (typeof expected === 'object' && expected !== null) {
    const struct = decoded as Record<string, unknown>
    for (const [name, value] of Object.entries(expected)) {
      if (name === 'recordsSizeInBytes') expect(struct['records'], path).toHaveLength(Number(value))
      else expectSame(struct[name], value, `${path}.${name}`)
    }
  } else {
    expect(Buffer.isBuffer(decoded) ? decoded.toString('base64') : decoded, path).toBe(expected)
  }
}
