import { expect, it } from 'vitest'
import { fewAtOnce } from './few-at-once.ts'

it('does the work for every item, so many at a time', async () => {
  const done: number[] = []
  let underWay = 0
  let most = 0
  await fewAtOnce([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    underWay += 1
    most = Math.max(most, underWay)
    await Promise.resolve()
    underWay -= 1
    done.push(item)
  })
  expect(new Set(done)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]))
  expect(most).toBe(3)
})

it('begins nothing after an error, and throws it when what was under way has ended', async () => {
  const begun: number[] = []
  const slow = Promise.withResolvers<void>()
  let slowIsDone = false
  const all = fewAtOnce([1, 2, 3, 4], 2, async (item) => {
    begun.push(item)
    if (item === 2) throw new Error('the second')
    await slow.promise
    slowIsDone = true
  })
  slow.resolve()
  await expect(all).rejects.toThrow('the second')
  expect([begun, slowIsDone]).toEqual([[1, 2], true])
})
