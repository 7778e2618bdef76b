import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { directoryStatus } from './directory-status.ts'
import { NodeFiles } from './node-files.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyfold-status-'))
})

afterEach(() => rm(directory, { recursive: true }))

describe('the status of a data directory', () => {
  it('is absent, in use by a process, free; and looking changes nothing', async () => {
    expect(directoryStatus(directory)).toEqual({ state: 'absent' })
    expect(await readdir(directory)).toEqual([])
    const release = await new NodeFiles(directory).lock()
    expect(directoryStatus(directory)).toEqual({ state: 'in-use', pid: process.pid })
    await release()
    expect(directoryStatus(directory)).toEqual({ state: 'free' })
    const again = await new NodeFiles(directory).lock()
    await writeFile(join(directory, 'lock.pid'), 'not a number')
    expect(directoryStatus(directory)).toEqual({ state: 'in-use', pid: undefined })
    await again()
  })

  it('says so when the lock is no lock', async () => {
    await writeFile(join(directory, 'lock'), 'something else altogether, and long enough to be looked at. '.repeat(20))
    expect(() => directoryStatus(directory)).toThrow(expect.objectContaining({ code: 'DATA_DIRECTORY_UNUSABLE' }))
  })
})
