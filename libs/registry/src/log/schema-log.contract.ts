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

    async function open() {
      const log = medium.newLog()
      opened.push(log)
      const records: LogRecord[] = []
      await log.open((record) => records.push(record))
      return { log, records }
    }

    it('has applied what it appended when it says so', async () => {
      const { log, records } = await open()
      const first = await log.append([write('a', '1')])
      expect(texts(records)).toEqual(['a=1'])
      expect(records.at(-1)?.offset).toBe(first)
      expect(await log.append([write('b', '2')])).toBeGreaterThan(first)
      expect(texts(records)).toEqual(['a=1', 'b=2'])
    })

    it('keeps the records of one append together and in order, deletions included', async () => {
      const { log, records } = await open()
      const last = await log.append([write('a', '1'), write('b', '2'), write('a', null)])
      expect(texts(records)).toEqual(['a=1', 'b=2', 'a=null'])
      expect(records.map(({ offset }) => offset)).toEqual([last - 2, last - 1, last])
    })

    it('is replayed from the start by whoever opens it next', async () => {
      const first = await open()
      await first.log.append([write('a', '1')])
      await first.log.append([write('a', '2'), write('b', null)])
      const second = await open()
      expect(second.records.map(withoutTime)).toEqual(first.records.map(withoutTime))
      expect(second.records).toHaveLength(3)
    })

    it('belongs to whoever opened it last; the one before cannot write any more, but still follows', async () => {
      const first = await open()
      await first.log.append([write('a', '1')])
      const second = await open()
      await expect(first.log.append([write('a', 'late')])).rejects.toMatchObject({ kind: 'fenced' })
      await second.log.append([write('a', '2')])
      await vi.waitFor(() => expect(texts(first.records)).toEqual(['a=1', 'a=2']), 5_000)
      expect(texts(second.records)).toEqual(['a=1', 'a=2'])
    })
  })
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
