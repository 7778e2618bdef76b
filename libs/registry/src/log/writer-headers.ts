import type { StoredRecord } from '@keyfold/kafka'
import type { LogWriter } from './schema-log.ts'

/**
 * The name that a writer leaves on its records: two headers, which other products pass over. Since every record has
 * them, compaction cannot take the last one away, and since an older producer is fenced before a newer one appends, the
 * last name in the log is that of the newest writer.
 */
export function writerHeaders({ id, url }: LogWriter): Readonly<Record<string, string>> {
  return { [ID]: id, [URL_HEADER]: url }
}

export function writerOf({ headers }: Pick<StoredRecord, 'headers'>): LogWriter | undefined {
  const id = headers[ID]?.toString()
  const url = headers[URL_HEADER]?.toString()
  return id === undefined || url === undefined ? undefined : { id, url }
}

const ID = 'keyfold.writer.id'
const URL_HEADER = 'keyfold.writer.url'
