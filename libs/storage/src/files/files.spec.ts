import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, describe, expect, it } from 'vitest'

import type { Files } from './files.ts'
import { MemoryFiles } from './memory-files.ts'
import { NodeFiles } from './node-files.ts'

const directories: string[] = []

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function nodeFiles(): NodeFiles {
  const directory = mkdtempSync(join(tmpdir(), 'keyfold-files-'))
  directories.push(directory)
  return new NodeFiles(directory)
}

async function contentOf(files: Files, path: string): Promise<string> {
  const file = await files.open(path, 'read')
  const bytes = Buffer.alloc((await files.sizeOf(path)) ?? 0)
  expect(await file.read(bytes, 0)).toBe(bytes.length)
  await file.close()
  return bytes.toString()
}

async function write(files: Files, path: string, text: string, position = 0): Promise<void> {
  const file = await files.open(path, 'write')
  await file.write([Buffer.from(text)], position)
  await file.fdatasync()
  await file.close()
}

const implementations: [string, () => Files][] = [
  ['NodeFiles', nodeFiles],
  ['MemoryFiles', () => new MemoryFiles()],
]

describe.each(implementations)('files: %s', (_name, create) => {
  it('writes pieces one after the other at a position and reads what is there', async () => {
    const files = create()
    await files.makeDirectory('a/b')
    const file = await files.open('a/b/c', 'write')
    await file.write([Buffer.from('one'), Buffer.alloc(0), Buffer.from('two')], 2)
    await file.fdatasync()
    const bytes = Buffer.alloc(10, 'x')
    expect(await file.read(bytes, 1)).toBe(7)
    expect(bytes.toString()).toBe('\0onetwoxxx')
    expect(await file.read(bytes, 100)).toBe(0)
    await file.close()
    expect(await files.sizeOf('a/b/c')).toBe(8)
  })

  it.each([40, 400])('writes thousands of pieces of %i bytes', async (size) => {
    const files = create()
    const file = await files.open('large', 'write')
    const pieces = Array.from({ length: 3000 }, (_, n) => Buffer.alloc(size, String.fromCharCode(65 + (n % 26))))
    await file.write(pieces, 0)
    await file.close()
    expect(await contentOf(files, 'large')).toBe(pieces.join(''))
  })

  it('syncs again and again, whether or not the thread may be held up for it', async () => {
    const files = create()
    const file = await files.open('a', 'write')
    for (let at = 0; at < 40; at++) {
      await file.write([Buffer.from('x')], at)
      await file.fdatasync({ mayBlock: at % 8 !== 7 })
    }
    await file.close()
    expect(await contentOf(files, 'a')).toBe('x'.repeat(40))
  })

  it('keeps the content when a file is opened again, and changes its size', async () => {
    const files = create()
    await write(files, 'file', 'hello world')
    await write(files, 'file', 'W', 6)
    const file = await files.open('file', 'write')
    await file.truncate(7)
    await file.close()
    expect(await contentOf(files, 'file')).toBe('hello W')
  })

  it('renames over an existing file, and a directory with what is in it', async () => {
    const files = create()
    await write(files, 'new', 'new')
    await write(files, 'old', 'old')
    await files.rename('new', 'old')
    await files.fsyncDirectory('')
    expect(await files.sizeOf('new')).toBeUndefined()
    expect(await contentOf(files, 'old')).toBe('new')
    await files.makeDirectory('from')
    await write(files, 'from/file', 'x')
    await files.rename('from', 'to')
    expect(await files.list('to')).toEqual(['file'])
    expect(await files.list('from')).toEqual([])
  })

  it('lists names in order, removes files and directories, absent ones too', async () => {
    const files = create()
    await files.makeDirectory('d')
    for (const name of ['b', 'a', 'c']) await write(files, `d/${name}`, name)
    expect(await files.list('d')).toEqual(['a', 'b', 'c'])
    await files.remove('d/b')
    await files.remove('d/b')
    expect(await files.list('d')).toEqual(['a', 'c'])
    await files.removeDirectory('d')
    await files.removeDirectory('d')
    expect(await files.list('d')).toEqual([])
    expect(await files.list('never')).toEqual([])
  })

  it('refuses to read what is not there', async () => {
    await expect(create().open('missing', 'read')).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('is locked once, and can be locked again after the release', async () => {
    const files = create()
    const release = await files.lock()
    await expect(files.lock()).rejects.toMatchObject({ code: 'DATA_DIRECTORY_LOCKED' })
    await release()
    await (
      await files.lock()
    )()
  })
})

describe('the disk of MemoryFiles', () => {
  it('loses what was not synced: bytes and names', async () => {
    const files = new MemoryFiles()
    await write(files, 'd/synced', 'abc')
    await files.fsyncDirectory('d')
    await write(files, 'd/unnamed', 'abc')
    const file = await files.open('d/synced', 'write')
    await file.write([Buffer.from('XYZ')], 1)
    expect(files.clone().crash('drop').bytesOf('d/synced').toString()).toBe('abc')
    expect(files.clone().crash('torn').bytesOf('d/synced').toString()).toBe('aXc')
    expect(files.clone().crash('keep').bytesOf('d/synced').toString()).toBe('aXYZ')
    expect(files.clone().crash('drop').paths()).toEqual(['d/synced'])
    expect(files.kill().bytesOf('d/synced').toString()).toBe('aXYZ')
  })

  it('ends the process that used it', async () => {
    const files = new MemoryFiles()
    const file = await files.open('f', 'write')
    files.crash()
    await expect(file.write([Buffer.from('x')], 0)).rejects.toThrow('gone')
    await expect(files.list('')).rejects.toThrow('gone')
  })

  it('undoes a rename as a whole', async () => {
    const files = new MemoryFiles()
    await write(files, 'a/f', 'x')
    await files.fsyncDirectory('a')
    await files.rename('a', 'b')
    expect(files.clone().crash('drop').paths()).toEqual(['a/f'])
    expect(files.clone().crash('keep').paths()).toEqual(['b/f'])
    await files.fsyncDirectory('')
    expect(files.crash('drop').paths()).toEqual(['b/f'])
  })
})
