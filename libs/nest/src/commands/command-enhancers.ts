import 'reflect-metadata'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { CommandOutcome } from '@keyfold/event-store'
import { Inject, Injectable } from '@nestjs/common'
import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '@nestjs/common/constants.js'
import { ApplicationConfig, ExternalContextCreator, ModulesContainer } from '@nestjs/core'
import { commandMethods, type StateClass } from '../decorators/aggregate.decorator.ts'
import type { CommandCall, CommandStep } from './command-middleware.ts'

/** The type of the execution context that guards and interceptors of a command get: `context.getType() === 'command'`. */
export const COMMAND_CONTEXT = 'command'

const ENHANCERS = [GUARDS_METADATA, INTERCEPTORS_METADATA, PIPES_METADATA, EXCEPTION_FILTERS_METADATA]

/** Whether guards, interceptors, pipes or filters stand on an aggregate or on one of its command methods. */
export function isEnhanced(aggregate: StateClass): boolean {
  return isBound(aggregate) || commandMethods(aggregate).some(({ method }) => isBound(methodOf(aggregate, method)))
}

/**
 * Nest's guards, interceptors, pipes and filters around commands: those of the aggregate's class and of the `@Handles`
 * method. They get the command as the first argument and its options as the second. Global ones are not applied: they
 * were made for requests.
 */
@Injectable()
export class CommandEnhancers {
  readonly #modules: ModulesContainer
  readonly #announced = new Set<StateClass>()
  readonly #steps = new Map<string, EnhancedStep>()
  readonly #passages = new AsyncLocalStorage<Passage>()

  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    this.#modules = modules
  }

  /** An aggregate that has enhancers. They are looked up when the application starts, once Nest has made them. */
  announce(aggregate: StateClass): void {
    this.#announced.add(aggregate)
  }

  /** Makes the ways of the commands of the aggregates that were announced. */
  prepare(): void {
    for (const aggregate of this.#announced)
      for (const { command, method } of commandMethods(aggregate))
        if (isBound(aggregate) || isBound(methodOf(aggregate, method)))
          this.#steps.set(command.command.name, this.#stepOf(aggregate, method))
  }

  /** The way of a command through its enhancers; undefined when it has none. */
  of(commandName: string): EnhancedStep | undefined {
    return this.#steps.get(commandName)
  }

  #stepOf(aggregate: StateClass, method: string): EnhancedStep {
    // What Nest calls the controller: enough to find the class's module and its metadata, but no state of anything.
    const host = Object.create(aggregate.prototype as object) as object
    Reflect.defineMetadata(ARGUMENTS, { [`${BODY}:0`]: { index: 0, data: undefined, pipes: [] } }, aggregate, method)
    const creator = ExternalContextCreator.fromContainer(this.#withoutGlobals())
    const handler = (command: unknown): unknown => {
      const { step, options } = this.#passage()
      return step({ command: command as object, options })
    }
    copyMetadata(methodOf(aggregate, method), handler)
    const run = creator.create(
      host,
      handler,
      method,
      ARGUMENTS,
      TAKES_FIRST,
      undefined,
      undefined,
      undefined,
      COMMAND_CONTEXT,
    )
    return async ({ command, options }, step) =>
      (await this.#passages.run({ step, options }, () => run(command, options))) as CommandOutcome
  }

  #passage(): Passage {
    const passage = this.#passages.getStore()
    if (passage === undefined) throw new TypeError('an interceptor of a command called its handler outside of its call')
    return passage
  }

  #withoutGlobals(): Parameters<typeof ExternalContextCreator.fromContainer>[0] {
    const container = { getModules: () => this.#modules, applicationConfig: new ApplicationConfig() }
    return container as unknown as Parameters<typeof ExternalContextCreator.fromContainer>[0]
  }
}

/** A command's way through its enhancers to the step behind them. */
export type EnhancedStep = (call: CommandCall, step: CommandStep) => Promise<CommandOutcome>

/** What pipes do not see: they work on the command alone. */
interface Passage {
  readonly step: CommandStep
  readonly options: CommandCall['options']
}

const ARGUMENTS = 'keyfold:command-arguments'
/** Pipes take the command for what a body is to a route: `RouteParamtypes.BODY`. */
const BODY = 3
const TAKES_FIRST = { exchangeKeyForValue: (_type: number, _data: unknown, [first]: unknown[]): unknown => first }

function methodOf(aggregate: StateClass, method: string): object {
  return (aggregate.prototype as Readonly<Record<string, object>>)[method] ?? aggregate
}

function isBound(target: object): boolean {
  return ENHANCERS.some((key) => Reflect.hasMetadata(key, target))
}

/** So that guards find on `context.getHandler()` what decorators left on the method. */
function copyMetadata(from: object, to: object): void {
  for (const key of Reflect.getMetadataKeys(from) as unknown[])
    Reflect.defineMetadata(key, Reflect.getMetadata(key, from), to)
}
