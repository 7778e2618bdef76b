import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LogRecord } from '../state/schema-record.ts'
import type { SchemaLog } from './schema-log.ts'

/** A medium for logs that see each other's records, made anew for every test. */
export interface SchemaLogMedium {
  /** A new log on the medium, as another process would open it. */
  newLog(): SchemaLog
  close(): Promise<void>
}

/** What every implementation of `SchemaLog` promises. */
export function schemaLogContract(name: string, start: () => Promise<SchemaLogMedium>): void {
  describe(name, () => {
    let medium: SchemaLogMedium
    const opened: SchemaLog[] = []

    beforeEach(async () => {
      medium = await start()
    })

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((log) => log.close()))
      await medium.close()
    })

    /** A log that was opened, and claimed unless it is to follow. */
    async function open(name: string, claims = true) {
      const log = medium.newLog()
      opened.push(log)
      const records: LogRecord[] = []
      await log.open((record) => {
        if (!isNoop(record)) records.push(record)
      })
      const self = { id: name, url: `http://${name}` }
      if (claims) await log.claim(self)
      return { log, records, self }
    }

    it('has applied what it appended when it says so', async () => {
      const { log, records } = await open('one')
      const first = await log.append([write('a', '1')])
      expect(texts(records)).toEqual(['a=1'])
      expect(records.at(-1)?.offset).toBe(first)
      expect(await log.append([write('b', '2')])).toBeGreaterThan(first)
      expect(texts(records)).toEqual(['a=1', 'b=2'])
      expect(log.position).toBeGreaterThan(first)
    })

    it('keeps the records of one append together and in order, deletions included', async () => {
      const { log, records } = await open('one')
      const last = await log.append([write('a', '1'), write('b', '2'), write('a', null)])
      expect(texts(records)).toEqual(['a=1', 'b=2', 'a=null'])
      expect(records.map(({ offset }) => offset)).toEqual([last - 2, last - 1, last])
    })

    it('is replayed from the start by whoever opens it next', async () => {
      const first = await open('one')
      await first.log.append([write('a', '1')])
      await first.log.append([write('a', '2'), write('b', null)])
      const second = await open('two')
      expect(second.records.map(withoutTime)).toEqual(first.records.map(withoutTime))
      expect(second.records).toHaveLength(3)
    })

    it('is written by nobody who has not claimed it, and opening it takes it from nobody', async () => {
      const writer = await open('one')
      const follower = await open('two', false)
      expect([writer.log.isWriter, follower.log.isWriter]).toEqual([true, false])
      await expect(follower.log.append([write('a', 'no')])).rejects.toMatchObject({ kind: 'fenced' })
      await writer.log.append([write('a', '1')])
      await follower.log.catchUp()
      expect(texts(follower.records)).toEqual(['a=1'])
    })

    it('belongs to whoever claimed it last; the one before cannot write any more, but still follows', async () => {
      const first = await open('one')
      await first.log.append([write('a', '1')])
      const second = await open('two')
      await expect(first.log.append([write('a', 'late')])).rejects.toMatchObject({ kind: 'fenced' })
      expect(first.log.isWriter).toBe(false)
      await second.log.append([write('a', '2')])
      await vi.waitFor(() => expect(texts(first.records)).toEqual(['a=1', 'a=2']), 5_000)
      expect(texts(second.records)).toEqual(['a=1', 'a=2'])
    })

    it('says who writes, to those who were there before and those who come after', async () => {
      const first = await open('one')
      const second = await open('two', false)
      expect(second.log.writer).toEqual(first.self)
      await second.log.claim(second.self)
      await vi.waitFor(() => expect(first.log.writer).toEqual(second.self), 5_000)
      expect(first.log.isWriter).toBe(false)
      const third = await open('three', false)
      expect(third.log.writer).toEqual(second.self)
    })

    it('can be claimed back, with all that was written meanwhile', async () => {
      const first = await open('one')
      const second = await open('two')
      await second.log.append([write('a', '1')])
      await first.log.claim(first.self)
      expect(texts(first.records)).toEqual(['a=1'])
      await first.log.append([write('a', '2')])
      await expect(second.log.append([write('a', 'late')])).rejects.toMatchObject({ kind: 'fenced' })
    })

    it('has no writer after the last one has closed it', async () => {
      const { log } = await open('one')
      await log.append([write('a', '1')])
      await log.close()
      const { log: next, records } = await open('two', false)
      expect(next.writer?.url ?? '').toBe('')
      expect(texts(records)).toEqual(['a=1'])
    })
  })
}

function isNoop({ key }: LogRecord): boolean {
  return key.toString().includes('NOOP')
}

function write(key: string, value: string | null) {
  return { key: Buffer.from(key), value: value === null ? null : Buffer.from(value) }
}

function texts(records: readonly LogRecord[]): readonly string[] {
  return records.map(({ key, value }) => `${key.toString()}=${String(value)}`)
}

function withoutTime({ key, value, offset }: LogRecord) {
  return { key: key.toString(), value: value?.toString(), offset }
}
