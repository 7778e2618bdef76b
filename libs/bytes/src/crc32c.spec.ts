import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { crc32c } from './crc32c.ts'
import { portableCrc32c } from './portable-crc32c.ts'

describe.each([
  ['the active implementation', crc32c],
  ['the portable implementation', portableCrc32c],
])('%s', (_name, checksum) => {
  // Test vectors of RFC 3720, appendix B.4.
  it.each([
    ['32 zero bytes', Buffer.alloc(32), 0x8a9136aa],
    ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['0 to 31 ascending', Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
    ['31 to 0 descending', Buffer.from(Array.from({ length: 32 }, (_, index) => 31 - index)), 0x113fdb5c],
  ])('%s', (_case, bytes, expected) => {
    expect(checksum(bytes)).toBe(expected)
  })

  it('matches the check value of the CRC catalogue', () => {
    expect(checksum(Buffer.from('123456789'))).toBe(0xe3069283)
  })

  it('of nothing is 0', () => {
    expect(checksum(Buffer.alloc(0))).toBe(0)
  })

  it('goes on from a seed', () => {
    expect(checksum(Buffer.from('56789'), checksum(Buffer.from('1234')))).toBe(0xe3069283)
  })
})

describe('both implementations', () => {
  it('agree on any bytes and seed, also on views that start anywhere', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.nat({ max: 8 }),
        fc.nat({ max: 0xffffffff }),
        (bytes, skip, seed) => {
          const view = Buffer.from(bytes).subarray(skip)
          expect(crc32c(view, seed)).toBe(portableCrc32c(view, seed))
        },
      ),
    )
  })

  it('the portable one takes over where the native package cannot be loaded', async () => {
    vi.resetModules()
    vi.doMock('@node-rs/crc32', () => {
      throw new Error('no binding for this platform')
    })
    const reloaded = await import('./crc32c.ts')
    vi.doUnmock('@node-rs/crc32')
    expect(reloaded.crc32cImplementation).toBe('portable')
    expect(reloaded.crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  })
})
