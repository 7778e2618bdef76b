import { readFile } from 'node:fs/promises'
import type { AggregateDescriptor, Command } from '@keyfold/eventsourcing'
import { CliError } from '../cli-error.ts'
import { jsonText, parseJson } from '../json-text.ts'

/**
 * Reads `{ "command": "bank.Deposit", "payload": { … } }` and makes the command of it. The id of the aggregate may be
 * left out of the payload; bigints, dates and bytes stand as `{ "$bigint": "1" }`, `{ "$date": "…" }`, `{ "$bytes": "00" }`.
 * Errors: `FILE_UNREADABLE`, `INPUT_INVALID`.
 */
export async function readCommand(file: string, aggregate: AggregateDescriptor, id: string): Promise<Command> {
  const read = parsed(await textOf(file), file)
  const { command: name, payload } = read as { readonly command?: unknown; readonly payload?: unknown }
  if (typeof name !== 'string' || typeof payload !== 'object' || payload === null)
    throw new CliError('INPUT_INVALID', `${file} is not { "command": "its name", "payload": { … } }`)
  const Type = aggregate.commands.find(({ command }) => command.name === name)
  if (Type === undefined) {
    const handled = [...aggregate.decide.keys()].join(', ')
    throw new CliError('INPUT_INVALID', `${aggregate.name} handles no ${name}, only ${handled}`)
  }
  const { key } = Type.command
  const values = revived(payload) as Readonly<Record<string, unknown>>
  const given = values[key] ?? id
  const named = typeof given === 'string' ? given : jsonText(given)
  if (named !== id) throw new CliError('INPUT_INVALID', `${file} is for ${key} ${named}, not ${id}`)
  return new Type({ ...values, [key]: given }) as Command
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new CliError('FILE_UNREADABLE', `${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function parsed(text: string, file: string): object {
  try {
    const value = parseJson(text)
    if (typeof value === 'object' && value !== null) return value
  } catch (error) {
    throw new CliError('INPUT_INVALID', `${file} is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  throw new CliError('INPUT_INVALID', `${file} holds no object`)
}

const FORMS: Readonly<Record<string, (text: string) => unknown>> = {
  $bigint: BigInt,
  $date: (text) => new Date(text),
  $bytes: (text) => Buffer.from(text, 'hex'),
}

function revived(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revived)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const [[name, text] = ['', undefined]] = entries
  const form = entries.length === 1 ? FORMS[name] : undefined
  if (form !== undefined && typeof text === 'string') return form(text)
  return Object.fromEntries(entries.map(([member, inner]) => [member, revived(inner)]))
}
