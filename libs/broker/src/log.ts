/** Where log lines go; the rim decides their form (newline-delimited JSON in apps/broker). */
export interface BrokerLog {
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/** One log line as data: what a worker sends to its parent. */
export interface LogLine {
  level: 'info' | 'warn' | 'error'
  event: string
  fields: LogFields
}

/** A log that hands each line on as data. */
export function logTo(write: (line: LogLine) => void): BrokerLog {
  return {
    info: (event, fields = {}) => write({ level: 'info', event, fields }),
    warn: (event, fields = {}) => write({ level: 'warn', event, fields }),
    error: (event, fields = {}) => write({ level: 'error', event, fields }),
  }
}

/** The default of an embedded broker: says nothing. */
export const silentLog: BrokerLog = logTo(() => {})
