import { type Command, Option } from 'commander'
import type { CommandDefinition, OptionRow } from './command.ts'
import { EXIT, type ExitName } from './exit-codes.ts'
import { addGlobalOptions } from './global-options.ts'

type Run = (command: Command, options: object, args: readonly string[]) => Promise<void>

/** Puts a command into the program, below the group that its first word names. */
export function addCommand(program: Command, definition: CommandDefinition, run: Run): void {
  const words = definition.path.split(' ')
  const name = words.at(-1) ?? ''
  const parent = words.slice(0, -1).reduce(childOf, program)
  const command = parent
    .command(name)
    .description(definition.summary[0]?.toUpperCase() + definition.summary.slice(1))
    .summary(definition.summary)
    .addHelpText('before', examplesText(definition))
    .addHelpText('after', afterText(definition))
  for (const [syntax, description] of definition.arguments ?? []) command.argument(syntax, description)
  for (const row of definition.options ?? []) command.addOption(optionOf(row))
  addGlobalOptions(command, definition.uses)
  command.action(() =>
    run(
      command,
      command.opts(),
      command.processedArgs.flat().filter((arg) => arg !== undefined),
    ),
  )
}

function childOf(parent: Command, name: string): Command {
  const child = parent.commands.find((command) => command.name() === name)
  if (child === undefined) throw new Error(`the group ${name} is not in commandGroups`)
  return child
}

function optionOf({ flags, description, parse, choices, isRequired, ...row }: OptionRow): Option {
  const option = new Option(flags, description).makeOptionMandatory(isRequired === true)
  if ('default' in row) option.default(row.default)
  if (choices !== undefined) option.choices(choices)
  if (parse !== undefined) option.argParser(parse)
  return option
}

function examplesText({ examples }: CommandDefinition): string {
  return `Examples:\n${examples.map(([line, does]) => `  ${line}\n      ${does}`).join('\n')}\n`
}

function afterText({ details, exits = {} }: CommandDefinition): string {
  const codes = Object.entries(exits).map(([name, meaning]) => `  ${EXIT[name as ExitName]}  ${meaning}`)
  return [
    ...(details === undefined ? [] : ['', details]),
    ...(codes.length === 0 ? [] : ['', 'Exit codes:', `  ${EXIT.ok}  done`, ...codes]),
  ].join('\n')
}
