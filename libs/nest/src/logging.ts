import { Logger } from '@nestjs/common'

/** Where everything beneath tells what happens: whatever the application has set as Nest's logger. */
export type Log = (level: keyof typeof METHODS, message: string, fields?: Readonly<Record<string, unknown>>) => void

export function nestLog(): Log {
  const logger = new Logger('Keyfold')
  return (level, message, fields = {}) => {
    const particulars = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields, plain)}`
    logger[METHODS[level]](`${message}${particulars}`)
  }
}

const METHODS = { debug: 'debug', info: 'log', warn: 'warn', error: 'error' } as const

/** What JSON has no form for: long integers, and errors, which would print as `{}`. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Error ? String(value) : value
}
