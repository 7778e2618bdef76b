import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BadFrameLength, FrameReader } from './frame-reader.ts'

function framed(body: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4)
  prefix.writeInt32BE(body.length)
  return Buffer.concat([prefix, body])
}

describe('cutting a stream into requests', () => {
  it('gives the same requests however the stream is cut', () => {
    const bodies = fc.array(fc.uint8Array({ minLength: 8, maxLength: 40 }), { maxLength: 8 })
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 30 })), (bodies, cuts) => {
        const stream = Buffer.concat(bodies.map(framed))
        const reader = new FrameReader(() => 1000)
        const frames: Buffer[] = []
        let at = 0
        for (const size of [...cuts, stream.length]) {
          if (at < stream.length) reader.push(stream.subarray(at, at + size))
          at += size
          for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame)
        }
        expect(frames.map((frame) => [...frame])).toEqual(bodies.map((body) => [...body]))
        expect(reader.isWithinFrame).toBe(false)
      }),
    )
  })

  it.each([-1, 0, 3, 1001, 0x7fff_ffff])('refuses a length of %i before anything of it has arrived', (length) => {
    const reader = new FrameReader(() => 1000)
    const prefix = Buffer.alloc(4)
    prefix.writeInt32BE(length)
    reader.push(prefix)
    expect(() => reader.next()).toThrow(BadFrameLength)
  })

  it('knows that it is within a request', () => {
    const reader = new FrameReader(() => 1000)
    reader.push(Buffer.from([0, 0]))
    expect(reader.next()).toBeUndefined()
    expect(reader.isWithinFrame).toBe(true)
  })
})
