import type { AnyCommandType, Command, CommandDefinition } from '@keyfold/eventsourcing'

/** A command as its schema leaves it, which may change values; or what is wrong with it. */
export type CheckedCommand = { readonly command: Command } | { readonly issues: readonly string[] }

/** @throws {TypeError} when the schema answers with a promise. */
export function checkedCommand(
  command: Command,
  { schema, name }: CommandDefinition<Record<string, unknown>>,
): CheckedCommand {
  if (schema === undefined) return { command }
  const result = schema['~standard'].validate({ ...command })
  if (result instanceof Promise)
    throw new TypeError(`the schema of ${name} is asynchronous: given/when/then decides at once`)
  if (result.issues === undefined)
    return { command: new (command.constructor as AnyCommandType)(result.value) as Command }
  const issues = result.issues.map(({ message, path = [] }) => {
    const place = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
    return place === '' ? message : `${place}: ${message}`
  })
  return { issues }
}
