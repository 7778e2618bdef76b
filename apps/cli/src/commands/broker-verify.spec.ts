import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '@keyfold/broker'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { envelopeOf } from '../testing/envelope-check.ts'
import { runInTest } from '../testing/test-world.ts'

let data: string

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'keyfold-verify-'))
})

afterEach(() => rm(data, { recursive: true, force: true }))

const verify = (...more: readonly string[]) => runInTest(['broker', 'verify', '--data', data, ...more])

describe('keyfold broker verify', () => {
  it('says that all is well and exits 0; a directory in use or of somebody else exits 2', async () => {
    const broker = await startBroker({ dataDirectory: data })
    expect(await verify()).toMatchObject({ code: 2, out: [], err: [expect.stringMatching(/^DATA_DIRECTORY_LOCKED: /)] })
    await broker.close()
    const before = await readdir(data)
    expect(await verify()).toEqual({ code: 0, out: ['0 partitions, 0 batches, 0 findings, 0 repaired'], err: [] })
    expect(await readdir(data)).toEqual(before)
    data = `${data}-not-there`
    expect(await verify()).toMatchObject({ code: 2, err: [expect.stringMatching(/^DATA_DIRECTORY_UNUSABLE: /)] })
    await expect(readdir(data)).rejects.toThrow('ENOENT')
  })

  it('has a line for each finding and exits 1', async () => {
    const broker = await startBroker({ dataDirectory: data })
    await broker.close()
    const path = join(data, 'checkpoint')
    const bytes = await readFile(path)
    bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20)
    await writeFile(path, bytes)
    const { code, out } = await verify()
    expect(code).toBe(1)
    expect(out).toEqual([
      expect.stringMatching(/^checkpoint checkpoint: .*checksum/),
      '0 partitions, 0 batches, 1 findings, 0 repaired',
    ])
    expect(envelopeOf('broker verify', await verify('--json'))).toMatchObject({
      status: 'found',
      data: { findings: [{ kind: 'checkpoint', isRepaired: false }] },
    })
  })
})
