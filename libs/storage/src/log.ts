/** Where storage reports what an operator should know. */
export interface StorageLog {
  info(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void
  warn(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void
}

export const silentLog: StorageLog = { info: () => {}, warn: () => {} }
