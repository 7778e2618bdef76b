import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { BufferReader, BufferWriter, MalformedBytes, UnencodableValue, zeroUuid } from '@keyfold/bytes'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type AnyApi, defineApi, type RequestInput, type RequestOf } from './api.ts'
import { type CodecMode, codecOf, decodeRequest, encodeRequest } from './codec.ts'
import { array, boolean, bytes, float64, int32, int64, int8, records, string, struct, uint16, uuid } from './fields.ts'
import { UnsupportedVersion } from './versions.ts'

const Example = defineApi({
  key: 999,
  name: 'Example',
  versions: [0, 3],
  flexible: 2,
  request: {
    name: string(),
    note: string({ versions: '1+', nullable: '1+', fallback: null, ignorable: true }),
    limit: int32({ versions: '1+', fallback: 10 }),
    old: int8({ versions: '0-1' }),
    items: array(struct({ id: int64(), tags: array(string(), { versions: '3', nullable: '3', fallback: null }) })),
    numbers: array(int32(), { nullable: '2+' }),
    place: struct({ port: uint16(), share: float64() }, { versions: '1+', nullable: '3+' }),
    hint: struct({ leaderId: int32({ fallback: -1 }), blob: bytes() }, { versions: '2+', tag: 1 }),
    label: string({ versions: '2+', tag: 0, fallback: 'none' }),
    topicId: uuid({ versions: '3+' }),
    payload: records({ versions: '2+', nullable: '2+', fallback: null }),
    last: boolean({ fallback: false }),
  },
  response: {},
})

const minimal = { name: 'n', items: [], numbers: [] } satisfies RequestInput<typeof Example>

describe.each<CodecMode>(['compiled', 'interpreted'])('the %s codec', (mode) => {
  it('writes plain fields in table order', () => {
    expect(encode(0, { name: 'ab', old: 7, items: [{ id: 1 }], numbers: [2], last: true }).toString('hex')).toBe(
      // name, old, items (one id), numbers, last
      hex('00026162 07 00000001 0000000000000001 00000001 00000002 01'),
    )
  })

  it('writes compact lengths and tagged fields from the flexible version on', () => {
    const value = {
      ...minimal,
      place: { port: 1, share: 0 },
      label: 'x',
      hint: { leaderId: 2, blob: Buffer.from([9]) },
    }
    expect(encode(2, value).toString('hex')).toBe(
      // name, note, limit, items, numbers, place (port, share, no tags), payload, last,
      // then two tags: label 'x', hint (leaderId, blob, no tags)
      hex('026e 00 0000000a 01 01 0001 0000000000000000 00 00 00 02 00 02 0278 01 07 00000002 0209 00'),
    )
  })

  it.each([0, 1, 2, 3])('reads back what version %i holds, with fallbacks for the rest', (version) => {
    const value: RequestInput<typeof Example> = {
      name: 'grün',
      note: version >= 1 ? 'hello' : null,
      limit: version >= 1 ? 3 : 10,
      old: version <= 1 ? -1 : 0,
      items: [{ id: 5, tags: version === 3 ? ['a', 'b'] : null }, { id: -6 }],
      numbers: [1, 2],
      last: true,
      ...(version >= 1 && { place: { port: 65535, share: 0.5 } }),
      ...(version >= 2 && {
        hint: { leaderId: 4, blob: Buffer.from('b') },
        label: 'l',
        payload: Buffer.from('records'),
      }),
      ...(version >= 3 && { topicId: 'ASNFZ4mrze_-3LqYdlQyEA' }),
    }
    expect(decode(version, encode(version, value))).toEqual({
      name: 'grün',
      note: version >= 1 ? 'hello' : null,
      limit: version >= 1 ? 3 : 10,
      old: version <= 1 ? -1 : 0,
      items: [
        { id: 5, tags: version === 3 ? ['a', 'b'] : null },
        { id: -6, tags: null },
      ],
      numbers: [1, 2],
      place: version >= 1 ? { port: 65535, share: 0.5 } : { port: 0, share: 0 },
      hint: version >= 2 ? { leaderId: 4, blob: Buffer.from('b') } : { leaderId: -1, blob: Buffer.alloc(0) },
      label: version >= 2 ? 'l' : 'none',
      topicId: version >= 3 ? 'ASNFZ4mrze_-3LqYdlQyEA' : zeroUuid,
      payload: version >= 2 ? Buffer.from('records') : null,
      last: true,
    })
  })

  it('fills in what the caller left out', () => {
    expect(decode(3, encode(3, minimal))).toEqual({
      name: 'n',
      note: null,
      limit: 10,
      old: 0,
      items: [],
      numbers: [],
      place: { port: 0, share: 0 },
      hint: { leaderId: -1, blob: Buffer.alloc(0) },
      label: 'none',
      topicId: zeroUuid,
      payload: null,
      last: false,
    })
  })

  it('drops an ignorable field and refuses any other that the version does not have', () => {
    expect(() => encode(0, { ...minimal, note: 'dropped' })).not.toThrow()
    expect(() => encode(0, { ...minimal, limit: 10 })).not.toThrow()
    expect(() => encode(0, { ...minimal, limit: 11 })).toThrow(/Example request\.limit is set/)
    expect(() => encode(1, { ...minimal, hint: { leaderId: -1, blob: Buffer.alloc(0) } })).not.toThrow()
    expect(() => encode(1, { ...minimal, hint: { leaderId: 0, blob: Buffer.alloc(0) } })).toThrow(UnencodableValue)
  })

  it('null is possible only where the version allows it', () => {
    expect(decode(2, encode(2, { ...minimal, numbers: null })).numbers).toBeNull()
    expect(() => encode(1, { ...minimal, numbers: null })).toThrow(/Example request\.numbers is null/)
    expect(decode(3, encode(3, { ...minimal, place: null })).place).toBeNull()
    expect(() => encode(2, { ...minimal, place: null })).toThrow(UnencodableValue)
    // numbers = -1 in version 0, where it may not be null
    expect(() => decode(0, Buffer.from(hex('00016e 00 00000000 ffffffff 00'), 'hex'))).toThrow(/numbers/)
  })

  it('skips tagged fields that it does not know', () => {
    const known = encode(2, minimal)
    // The last byte is the count of tagged fields; tag 5 takes three bytes.
    const extended = Buffer.concat([known.subarray(0, -1), Buffer.from(hex('01 05 03 aabbcc'), 'hex')])
    expect(decode(2, extended)).toEqual(decode(2, known))
  })

  it('refuses tagged fields that are too many, too long or not as long as they say', () => {
    const known = encode(2, minimal).subarray(0, -1)
    const withTags = (tags: string) => () => decode(2, Buffer.concat([known, Buffer.from(tags, 'hex')]))
    expect(withTags('41' + '0000'.repeat(65))).toThrow(/TOO_MANY_TAGGED_FIELDS/)
    expect(withTags('ffffffff0f')).toThrow(/TOO_MANY_TAGGED_FIELDS/)
    expect(withTags(hex('01 05 ffffff7f'))).toThrow(/BUFFER_UNDERFLOW/)
    expect(withTags(hex('01 00 03 0278 00'))).toThrow(/TAGGED_FIELD_SIZE/)
  })

  it('checks an array count against the bytes that are left before it allocates', () => {
    // items: 2^31 - 1 elements of at least 12 bytes (id, tags) in version 0: 8 bytes each
    expect(() => decode(0, Buffer.from(hex('00016e 00 7fffffff') + '00'.repeat(64), 'hex'))).toThrow(/COUNT_TOO_LARGE/)
    expect(() => decode(0, Buffer.from(hex('00016e 00 fffffffe') + '00'.repeat(64), 'hex'))).toThrow(/NEGATIVE_LENGTH/)
  })

  it('caps an array even when all of its bytes are there', () => {
    const count = Buffer.alloc(4)
    count.writeInt32BE(1_000_001)
    const body = Buffer.concat([Buffer.from(hex('00016e 00 00000000'), 'hex'), count, Buffer.alloc(4 * 1_000_001 + 1)])
    expect(() => decode(0, body)).toThrow(/COUNT_TOO_LARGE/)
  })

  it('hands records through: views on reading, several buffers by reference on writing', () => {
    const batches = [Buffer.alloc(5000, 1), Buffer.alloc(6000, 2)]
    const writer = new BufferWriter()
    codecOf(Example, 2, mode).encodeRequest(writer, { ...minimal, payload: batches })
    const chunks = writer.toChunks()
    expect(chunks).toContain(batches[0])
    expect(chunks).toContain(batches[1])
    const body = Buffer.concat(chunks)
    const { payload } = decode(2, body)
    expect(payload).toEqual(Buffer.concat(batches))
    expect(payload?.buffer).toBe(body.buffer)
  })

  it('gives every message its own containers', () => {
    const body = encode(3, minimal)
    expect(decode(3, body).hint).not.toBe(decode(3, body).hint)
  })

  function encode(version: number, value: RequestInput<typeof Example>): Buffer {
    const writer = new BufferWriter()
    codecOf(Example, version, mode).encodeRequest(writer, value)
    return writer.toBuffer()
  }

  function decode(version: number, body: Buffer): RequestOf<typeof Example> {
    return codecOf(Example, version, mode).decodeRequest(new BufferReader(body))
  }
})

describe('codecs', () => {
  it('exist only for versions of the table', () => {
    for (const version of [-1, 4, 1.5, Number.NaN]) {
      expect(() => encodeRequest(Example, version, minimal)).toThrow(UnsupportedVersion)
    }
    expect(() => decodeRequest(Example, 4, Buffer.alloc(0))).toThrow('Example has versions 0 to 3, not 4')
  })

  it('are made once per version and mode', () => {
    expect(codecOf(Example, 1)).toBe(codecOf(Example, 1))
    expect(codecOf(Example, 1, 'compiled')).not.toBe(codecOf(Example, 1, 'interpreted'))
  })

  it('are interpreted where code generation from strings is forbidden', () => {
    const index = fileURLToPath(new URL('index.ts', import.meta.url))
    const program = `
      const { ApiVersions, defaultCodecMode, encodeRequest } = await import(${JSON.stringify(index)})
      console.log(defaultCodecMode, encodeRequest(ApiVersions, 0, {}).length)`
    const flags = ['--disallow-code-generation-from-strings', '--conditions=@keyfold/source', '--input-type=module']
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', program], { encoding: 'utf8' })
    expect(stdout, stderr).toBe('interpreted 0\n')
  })

  it('a table with a broken version range is a programming error', () => {
    const Broken: AnyApi = { ...Example, request: { name: string({ versions: '1-' as '1+' }) } }
    expect(() => encodeRequest(Broken, 0, {})).toThrow(TypeError)
  })

  it('malformed input is a MalformedBytes', () => {
    expect(() => decodeRequest(Example, 3, Buffer.from([5]))).toThrow(MalformedBytes)
  })
})

describe('types', () => {
  it('follow from the table', () => {
    type Request = RequestOf<typeof Example>
    expectTypeOf<Request['name']>().toEqualTypeOf<string>()
    expectTypeOf<Request['note']>().toEqualTypeOf<string | null>()
    expectTypeOf<Request['limit']>().toEqualTypeOf<number>()
    expectTypeOf<Request['items'][number]['tags']>().toEqualTypeOf<string[] | null>()
    expectTypeOf<NonNullable<Request['payload']>>().toEqualTypeOf<Buffer>()
    expectTypeOf<null>().toExtend<Request['payload']>()
    expectTypeOf<Request['place']>().toEqualTypeOf<{ port: number; share: number } | null>()
  })

  it('let optional, tagged and versioned fields be left out, and no others', () => {
    type Input = RequestInput<typeof Example>
    expectTypeOf<{ name: string; items: []; numbers: null }>().toExtend<Input>()
    expectTypeOf<{ items: []; numbers: null }>().not.toExtend<Input>()
    expectTypeOf<{ name: null; items: []; numbers: null }>().not.toExtend<Input>()
    expectTypeOf<Exclude<Input['payload'], Buffer>>().toEqualTypeOf<readonly Buffer[] | null | undefined>()
    expectTypeOf<Buffer>().toExtend<Input['payload']>()
  })
})

/** Hex digits that are grouped by field for the reader. */
function hex(grouped: string): string {
  return grouped.replaceAll(' ', '')
}
