import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OpenFile } from '../files/files.ts'
import { MemoryFiles } from '../files/memory-files.ts'
import { aligned, blockAlignment, entriesOf, writeBlock } from './block.ts'
import { createJournalFile, firstBlockPosition, journalPath } from './journal-file.ts'
import { JournalReader } from './journal-reader.ts'

const journalId = Buffer.alloc(16, 7)
const MiB = 1_048_576

/** A journal file with blocks of so many bytes each, one behind the other from a position on. */
async function fileWith(sizes: readonly number[], { bytes = 8 * MiB, from = firstBlockPosition } = {}) {
  const files = new MemoryFiles({ crashable: false })
  await files.makeDirectory()
  await createJournalFile(files, { index: 1, bytes, journalId })
  const file = await files.open(journalPath(1), 'write')
  const positions: number[] = []
  let position = from
  for (const [n, size] of sizes.entries()) {
    const target = Buffer.alloc(aligned(size + 200))
    const header = { sequence: n + 1, firstLsn: n + 1, durableSequence: n, journalId }
    const written = writeBlock(target, header, [{ kind: 40, payload: Buffer.alloc(size, n + 1) }])
    await file.write([target.subarray(0, written)], position)
    positions.push(position)
    position += written
  }
  await file.close()
  return { files, reader: await open(files), positions }
}

/** Sizes around those of a page and of a window. */
const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: MiB - 9000, max: MiB + 9000 })), {
  minLength: 1,
  maxLength: 6,
})

describe('a journal file read window by window', () => {
  it('gives every block whole, and what it gave stays as it was', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async (blockSizes) => {
        const { reader, positions } = await fileWith(blockSizes)
        const found = []
        for (const position of positions) found.push(await reader.blockAt(position))
        const payloads = found.map((block) => (block ? [...entriesOf(block.bytes, 0, block.header)] : []))
        const expected = blockSizes.map((size, n) => Buffer.alloc(size, n + 1))
        expect(payloads.flat().every(({ payload }, n) => payload.equals(expected[n] ?? Buffer.alloc(0)))).toBe(true)
        expect(payloads.flat()).toHaveLength(blockSizes.length)
        await reader.close()
      }),
      { numRuns: 20 },
    )
  })

  it('finds every block and every page that is used, wherever windows end', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 0, max: 300 }), async (blockSizes, pagesAhead) => {
        const from = firstBlockPosition + pagesAhead * blockAlignment
        const { reader, positions } = await fileWith(blockSizes, { from })
        const headers: number[] = []
        let last = 0
        for await (const { at, header } of reader.usedPages(firstBlockPosition)) {
          if (header !== undefined) headers.push(at)
          last = at
        }
        expect(headers).toEqual(positions)
        const lastBlock = await reader.blockAt(positions.at(-1) ?? 0)
        expect(last + blockAlignment).toBe((positions.at(-1) ?? 0) + aligned(lastBlock?.header.length ?? 0))
        await reader.close()
      }),
      { numRuns: 20 },
    )
  })

  it.each<[string, (file: OpenFile) => Promise<void>]>([
    ['cut off by the end of the file', (file) => file.truncate(firstBlockPosition + 2 * MiB)],
    ['damaged beyond the first window', (file) => file.write([Buffer.from('x')], firstBlockPosition + 2 * MiB)],
  ])('finds no block where one is %s, but sees that the pages are used', async (_, damage) => {
    const { files, reader } = await fileWith([3 * MiB])
    await reader.close()
    const file = await files.open(journalPath(1), 'write')
    await damage(file)
    await file.close()
    const again = await open(files)
    expect(await again.blockAt(firstBlockPosition)).toBeUndefined()
    const pages = []
    for await (const { header } of again.usedPages(firstBlockPosition)) pages.push(header)
    expect(pages.length).toBeGreaterThanOrEqual((2 * MiB) / blockAlignment)
    expect(new Set(pages)).toEqual(new Set([undefined]))
    await again.close()
  })

  it('is refused if it belongs to another data directory', async () => {
    const { files, reader } = await fileWith([1])
    await reader.close()
    await expect(JournalReader.open(files, 1, Buffer.alloc(16, 8))).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' })
    expect(await JournalReader.open(files, 2, journalId)).toBeUndefined()
  })
})

async function open(files: MemoryFiles): Promise<JournalReader> {
  const reader = await JournalReader.open(files, 1, journalId)
  if (reader === undefined) throw new Error('there is no file')
  return reader
}
