import { BufferReader, BufferWriter, MalformedBytes } from '@keyfold/bytes'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AnyApi, isFlexible } from './api.ts'
import { apis } from './apis.ts'
import { codecOf } from './codec.ts'
import { decodeRequestHeader } from './header.ts'
import { planStruct, type FieldPlan, type StructPlan, type ValuePlan } from './struct-plan.ts'

const kinds = ['request', 'response'] as const

/** Any message of any API in any version, and a value for it. */
const message = fc
  .constantFrom(...apis)
  .chain((api) =>
    fc.tuple(fc.constant(api), fc.integer({ min: api.versions[0], max: api.versions[1] }), fc.constantFrom(...kinds)),
  )

describe('random bytes', () => {
  it('are decoded or refused with MalformedBytes, alike by both codecs', () => {
    fc.assert(
      fc.property(message, fc.uint8Array({ maxLength: 200 }), ([api, version, kind], bytes) => {
        const compiled = outcome(() => decoder(api, version, kind, 'compiled')(new BufferReader(Buffer.from(bytes))))
        const interpreted = outcome(() =>
          decoder(api, version, kind, 'interpreted')(new BufferReader(Buffer.from(bytes))),
        )
        expect(compiled).toEqual(interpreted)
      }),
      { numRuns: 3000 },
    )
  })

  it('as a request header are decoded or refused with MalformedBytes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 80 }),
        fc.integer({ min: 0, max: 20 }),
        fc.uint8Array({ maxLength: 60 }),
        (key, version, rest) => {
          outcome(() => decodeRequestHeader(Buffer.from([0, key, 0, version, ...rest])))
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('one flipped byte or a cut in a real message never gets out of hand', () => {
    fc.assert(
      fc.property(
        valid(),
        fc.nat(),
        fc.nat({ max: 255 }),
        fc.boolean(),
        ({ api, version, kind, value }, at, byte, cut) => {
          const bytes = encode(api, version, kind, value)
          if (bytes.length === 0) return
          const position = at % bytes.length
          bytes[position] = byte
          const damaged = cut ? bytes.subarray(0, position) : bytes
          const result = outcome(() => decoder(api, version, kind, 'compiled')(new BufferReader(damaged)))
          expect(result).toBeDefined()
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('generated values', () => {
  it('come back from both codecs, which write the same bytes', () => {
    fc.assert(
      fc.property(valid(), ({ api, version, kind, value }) => {
        const bytes = encode(api, version, kind, value)
        const interpreted = new BufferWriter(1)
        encoder(api, version, kind, 'interpreted')(interpreted, value)
        expect(interpreted.toBuffer()).toEqual(bytes)
        const reader = new BufferReader(bytes)
        expect(decoder(api, version, kind, 'compiled')(reader)).toEqual(value)
        expect(reader.remaining).toBe(0)
      }),
      { numRuns: 1000 },
    )
  })
})

interface Message {
  readonly api: AnyApi
  readonly version: number
  readonly kind: (typeof kinds)[number]
  readonly value: unknown
}

function valid(): fc.Arbitrary<Message> {
  return message.chain(([api, version, kind]) =>
    structArbitrary(planStruct(api[kind], { version, flexible: isFlexible(api, version) }, api.name)).map((value) => ({
      api,
      version,
      kind,
      value,
    })),
  )
}

function structArbitrary(plan: StructPlan): fc.Arbitrary<unknown> {
  const absent = new Set(plan.absent)
  const fields = plan.fields.map((field) => [
    field.name,
    absent.has(field) ? fc.constant(fallbackOf(field)) : fieldArbitrary(field),
  ])
  return fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>, { noNullPrototype: true })
}

function fallbackOf({ fallback, value }: FieldPlan): unknown {
  if (fallback !== undefined) return fallback
  if (value.kind !== 'struct') return []
  return Object.fromEntries(value.struct.fields.map((field) => [field.name, fallbackOf(field)]))
}

function fieldArbitrary({ value, nullable }: FieldPlan): fc.Arbitrary<unknown> {
  const arbitrary = valueArbitrary(value)
  return nullable ? fc.option(arbitrary) : arbitrary
}

function valueArbitrary(value: ValuePlan): fc.Arbitrary<unknown> {
  switch (value.kind) {
    case 'struct': {
      return structArbitrary(value.struct)
    }
    case 'array': {
      return fc.array(valueArbitrary(value.of), { maxLength: 3 })
    }
    case 'boolean': {
      return fc.boolean()
    }
    case 'int8': {
      return fc.integer({ min: -128, max: 127 })
    }
    case 'int16': {
      return fc.integer({ min: -32768, max: 32767 })
    }
    case 'uint16': {
      return fc.integer({ min: 0, max: 65535 })
    }
    case 'int32': {
      return fc.integer()
    }
    case 'int64': {
      return fc.maxSafeInteger()
    }
    case 'float64': {
      return fc.double({ noNaN: true })
    }
    case 'string': {
      return fc.string({ unit: 'grapheme', maxLength: 20 })
    }
    case 'uuid': {
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url'))
    }
    default: {
      return fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes))
    }
  }
}

function encode(api: AnyApi, version: number, kind: Message['kind'], value: unknown): Buffer {
  const writer = new BufferWriter(1)
  encoder(api, version, kind, 'compiled')(writer, value)
  return writer.toBuffer()
}

type Mode = 'compiled' | 'interpreted'

function encoder(api: AnyApi, version: number, kind: Message['kind'], mode: Mode) {
  const codec = codecOf(api, version, mode)
  return (writer: BufferWriter, value: unknown): void => {
    if (kind === 'request') codec.encodeRequest(writer, value as Record<string, unknown>)
    else codec.encodeResponse(writer, value as Record<string, unknown>)
  }
}

function decoder(api: AnyApi, version: number, kind: Message['kind'], mode: Mode) {
  const codec = codecOf(api, version, mode)
  return (reader: BufferReader): unknown =>
    kind === 'request' ? codec.decodeRequest(reader) : codec.decodeResponse(reader)
}

/** What decoding led to; only MalformedBytes may be thrown. */
function outcome(decode: () => unknown): unknown {
  try {
    return { decoded: decode() }
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error
    return { refused: error.code, at: error.position }
  }
}
