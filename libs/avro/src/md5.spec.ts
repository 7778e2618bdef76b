import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { md5, uuidText } from './md5.ts'

it("is Node's MD5 for texts of every length around a block", () => {
  for (let length = 0; length < 200; length++) {
    const text = 'é'.repeat(length % 3) + 'x'.repeat(length)
    expect(md5(text).toString('hex'), `length ${length}`).toBe(createHash('md5').update(text).digest('hex'))
  }
})

it('hashes parts as if they were one', () => {
  expect(md5('ab', Buffer.from('c'))).toEqual(md5('abc'))
  expect(uuidText(md5('abc'))).toBe('90015098-3cd2-4fb0-d696-3f7d28e17f72')
})
