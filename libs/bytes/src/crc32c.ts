import { portableCrc32c } from './portable-crc32c.ts'

type Checksum = (bytes: Uint8Array, seed?: number) => number

const native = await import('@node-rs/crc32').then(
  (module) => (typeof module.crc32c === 'function' ? module.crc32c : undefined),
  () => undefined,
)

/** Which implementation `crc32c` uses: the native package is optional. */
export const crc32cImplementation: 'native' | 'portable' = native === undefined ? 'portable' : 'native'

/**
 * CRC-32C (Castagnoli) of `bytes` as an unsigned 32-bit number.
 * `seed` is the checksum of what came before, so that crc32c(b, crc32c(a)) covers a then b.
 */
export const crc32c: Checksum = native === undefined ? portableCrc32c : (bytes, seed = 0) => native(bytes, seed)
