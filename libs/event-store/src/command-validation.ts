import type { AnyCommandType, Command, CommandDefinition, KeyfoldError, StandardIssue } from '@keyfold/eventsourcing'
import { fail } from './errors.ts'
import { extensionIssues, type Extensions } from './extensions.ts'

export type ValidatedCommand =
  | { readonly kind: 'valid'; readonly command: Command; readonly key: string }
  | { readonly kind: 'invalid'; readonly error: KeyfoldError }

/** Bytes of an aggregate's id; it travels in every one of its events. */
const keyBytesMax = 1_024

/** Checks a command against its schema, if it has one, and finds its aggregate's id. The schema may change values. */
export async function validatedCommand(
  command: Command,
  definition: CommandDefinition<Record<string, unknown>>,
  extensions?: Extensions,
): Promise<ValidatedCommand> {
  const { schema, name } = definition
  const misfits = extensions === undefined ? [] : extensionIssues(extensions)
  if (misfits.length > 0) return invalid(name, misfits)
  if (schema === undefined) return withKey(command, definition)
  const result = await schema['~standard'].validate({ ...command })
  if (result.issues !== undefined) return invalid(name, result.issues)
  const Type = command.constructor as AnyCommandType
  return withKey(new Type(result.value), definition)
}

function withKey(
  command: Command,
  { key: member, name }: CommandDefinition<Record<string, unknown>>,
): ValidatedCommand {
  const value = (command as Readonly<Record<string, unknown>>)[member]
  const key = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
  if (typeof key !== 'string' || key === '')
    return invalid(name, [{ message: 'names the aggregate: it must be a text that is not empty', path: [member] }])
  if (Buffer.byteLength(key) > keyBytesMax)
    return invalid(name, [{ message: `must not take more than ${keyBytesMax} bytes`, path: [member] }])
  return { kind: 'valid', command, key }
}

function invalid(name: string, found: readonly StandardIssue[]): ValidatedCommand {
  const issues = found.map(({ message, path = [] }) => ({
    message,
    path: path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.'),
  }))
  const text = issues.map(({ message, path }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
  return { kind: 'invalid', error: fail('COMMAND_INVALID', `${name}: ${text}`, { details: { issues } }) }
}
