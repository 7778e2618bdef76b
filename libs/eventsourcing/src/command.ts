import type { StandardSchema } from './standard-schema.ts'

export interface CommandDefinition<Payload> {
  /** The command's identity, in the imperative: `bank.OpenAccount`. Never a class name. */
  readonly name: string
  /** The payload's member that names the aggregate. Its text is the record key of the aggregate's events. */
  readonly key: keyof Payload & string
  /** Checks a payload before the command is made, for instance a zod schema. */
  readonly schema?: StandardSchema<unknown, Payload>
}

/** The class of one command: `class Deposit extends defineCommand<{ … }>({ … }) {}`, then `new Deposit({ … })`. */
export interface CommandType<Payload = unknown> {
  new (payload: Payload): Readonly<Payload>
  readonly command: CommandDefinition<Payload>
}

/** Any command class, whatever its payload. */
// eslint-disable-next-line typescript/no-explicit-any -- constructor parameters are contravariant: nothing else accepts all
export type AnyCommandType = CommandType<any>

/** An instance of a command class. */
export type Command = object

/** Makes the base class of a command: its instances carry the payload's members, read-only. */
export function defineCommand<Payload extends object>(definition: CommandDefinition<Payload>): CommandType<Payload> {
  class DefinedCommand {
    static readonly command = definition

    constructor(payload: Payload) {
      Object.assign(this, payload)
      Object.freeze(this)
    }
  }
  return DefinedCommand as CommandType<Payload>
}

/** The definition of a command instance; undefined when the object is not one. */
export function commandDefinitionOf(command: Command): CommandDefinition<Record<string, unknown>> | undefined {
  return (command.constructor as Partial<AnyCommandType>).command
}
