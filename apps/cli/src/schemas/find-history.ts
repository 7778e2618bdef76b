import { CliError } from '../cli-error.ts'
import type { OptionRow } from '../command.ts'
import type { Context } from '../context.ts'
import { type EventHistory, nameOf } from './event-history.ts'
import { usableSchemas } from './load-schemas.ts'
import { RegisteredHistories } from './registered-history.ts'
import { folderTree } from './schema-tree.ts'

export const schemasOption: OptionRow = {
  flags: '--schemas <dir>',
  description: 'folder of the schemas',
  default: 'schemas',
}

export const fromOption: OptionRow = {
  flags: '--from <where>',
  description: 'look in the folder (default), or in the registry (implied by --registry)',
  choices: ['folder', 'registry'],
}

export interface WhereOptions {
  readonly schemas: string
  readonly from?: 'folder' | 'registry'
  readonly registry?: string
}

export function isFromRegistry({ from, registry }: WhereOptions): boolean {
  return from === undefined ? registry !== undefined : from === 'registry'
}

/**
 * The history that a name means: in the folder `bank/money-deposited`, `money-deposited`, `bank.MoneyDeposited`,
 * `MoneyDeposited` or a subject; in the registry a subject. Errors: `EVENT_NOT_FOUND`, those of the folder or registry.
 */
export async function findHistory(context: Context, options: WhereOptions, name: string): Promise<EventHistory> {
  if (isFromRegistry(options)) return registeredHistory(context, name)
  const histories = usableSchemas(await folderTree(options.schemas))
  const found = histories.filter((history) => namesOf(history).includes(name))
  const [first] = found
  if (first !== undefined && found.length === 1) return first
  const reason =
    first === undefined
      ? `no event or subject in ${options.schemas} is called ${JSON.stringify(name)}`
      : `${JSON.stringify(name)} may be any of ${found.map(({ event }) => event).join(', ')}`
  throw new CliError('EVENT_NOT_FOUND', reason, suggestion(histories, first === undefined))
}

async function registeredHistory(context: Context, subject: string): Promise<EventHistory> {
  const registry = context.registry()
  const found = await new RegisteredHistories(registry).history(subject)
  const versions = found?.versions.filter(({ isDeleted }) => !isDeleted) ?? []
  const newest = versions.at(-1)
  if (newest === undefined) {
    const fix = 'Compare with keyfold schemas list --from registry'
    throw new CliError(
      'EVENT_NOT_FOUND',
      `the registry at ${registry.url} has no subject ${JSON.stringify(subject)}`,
      fix,
    )
  }
  const fullName = nameOf(newest.parsed)
  return { event: subject, fullName, subjects: [subject], isOnTopic: subject !== fullName, versions }
}

function namesOf({ event, fullName, subjects }: EventHistory): readonly string[] {
  return [event, event.split('/')[1] ?? '', fullName, fullName.slice(fullName.lastIndexOf('.') + 1), ...subjects]
}

const SUGGESTED_MAX = 20

function suggestion(histories: readonly EventHistory[], isUnknown: boolean): string {
  if (!isUnknown) return 'Give the name with its context in front'
  const names = histories.map(({ event }) => event)
  const shown = names.slice(0, SUGGESTED_MAX).join(', ')
  return `Take one of ${shown}${names.length > SUGGESTED_MAX ? ', …' : ''}; subjects of a registry: add --from registry`
}
