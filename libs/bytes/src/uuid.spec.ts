import { describe, expect, it } from 'vitest'
import { UnencodableValue } from './malformed-bytes.ts'
import { generateUuid, uuidBytes, uuidText, zeroUuid } from './uuid.ts'

describe('a UUID', () => {
  it('has a text form of 22 characters and comes back from it', () => {
    const bytes = Buffer.from('0123456789abcdeffedcba9876543210', 'hex')
    expect(uuidText(bytes)).toBe('ASNFZ4mrze_-3LqYdlQyEA')
    expect(uuidBytes('ASNFZ4mrze_-3LqYdlQyEA')).toEqual(bytes)
    expect(uuidBytes(zeroUuid)).toEqual(Buffer.alloc(16))
  })

  it.each(['', 'abc', 'ASNFZ4mrze_-3LqYdlQyE', 'ASNFZ4mrze_-3LqYdlQyEAA', '!!!!!!!!!!!!!!!!!!!!!!'])(
    '%j is not one',
    (text) => {
      expect(() => uuidBytes(text)).toThrow(UnencodableValue)
    },
  )

  it('of other than 16 bytes does not exist', () => {
    expect(() => uuidText(Buffer.alloc(15))).toThrow(UnencodableValue)
    expect(() => generateUuid(() => Buffer.alloc(8))).toThrow(UnencodableValue)
  })
})

describe('generateUuid', () => {
  it('marks the id as version 4 and takes everything else from the randomness', () => {
    const bytes = uuidBytes(generateUuid(() => Buffer.alloc(16, 0x5a)))
    expect(bytes.toString('hex')).toBe('5a5a5a5a5a5a4a5a9a5a5a5a5a5a5a5a')
  })

  it('draws again when the text would start with a dash', () => {
    const draws = [Buffer.alloc(16, 0xfb), Buffer.alloc(16, 0x11)]
    const text = generateUuid(() => draws.shift() ?? Buffer.alloc(16))
    expect(text.startsWith('-')).toBe(false)
    expect(draws).toHaveLength(0)
  })

  it('gives up on randomness that never changes', () => {
    expect(() => generateUuid(() => Buffer.alloc(16, 0xfb))).toThrow(/not random/)
  })
})
