import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A folder of its own for one test, which is gone after it. */
export interface SchemaFolder {
  /** Its path; schemas are below `schemas`. */
  readonly home: string
  readonly schemas: string
  /** Writes files below `schemas`: texts as they are, values as JSON. */
  write(files: Readonly<Record<string, unknown>>): void
  read(path: string): string
  remove(path: string): void
}

export function schemaFolder(files: Readonly<Record<string, unknown>> = {}): SchemaFolder {
  const home = mkdtempSync(join(tmpdir(), 'keyfold-schemas-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const schemas = join(home, 'schemas')
  const folder: SchemaFolder = {
    home,
    schemas,
    write(more) {
      for (const [path, content] of Object.entries(more)) {
        mkdirSync(dirname(join(schemas, path)), { recursive: true })
        writeFileSync(join(schemas, path), typeof content === 'string' ? content : JSON.stringify(content, null, 2))
      }
    },
    read: (path) => readFileSync(join(schemas, path), 'utf8'),
    remove: (path) => rmSync(join(schemas, path), { recursive: true }),
  }
  folder.write(files)
  return folder
}

/** The schema of an event called `bank.Deposited`, with these fields after its amount. */
export function deposited(...fields: readonly object[]): object {
  const amount = { name: 'amountCents', type: 'long' }
  return { type: 'record', name: 'Deposited', namespace: 'bank', fields: [amount, ...fields] }
}

export const memo = { name: 'memo', type: 'string', default: '' }
export const topics = { 'bank.account': ['Deposited'] }
