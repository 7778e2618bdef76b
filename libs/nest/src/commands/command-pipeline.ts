import type { CommandOutcome } from '@keyfold/event-store'
import { commandDefinitionOf } from '@keyfold/eventsourcing'
import { Inject, Injectable } from '@nestjs/common'
import type { KeyfoldOptions } from '../keyfold-options.ts'
import { KEYFOLD_OPTIONS } from '../tokens.ts'
import { CommandEnhancers } from './command-enhancers.ts'
import { type CommandCall, type CommandMiddleware, type CommandStep, throughMiddleware } from './command-middleware.ts'

/** What stands between the command bus and the event store: middleware, then the enhancers of the command's method. */
@Injectable()
export class CommandPipeline {
  readonly #enhancers: CommandEnhancers
  readonly #middleware: CommandMiddleware[]

  constructor(@Inject(CommandEnhancers) enhancers: CommandEnhancers, @Inject(KEYFOLD_OPTIONS) options: KeyfoldOptions) {
    this.#enhancers = enhancers
    this.#middleware = [...(options.commandMiddleware ?? [])]
  }

  use(middleware: CommandMiddleware): void {
    this.#middleware.push(middleware)
  }

  /** Takes a command to `send`. Rejects with what stands in between throws. */
  async run(call: CommandCall, send: CommandStep): Promise<CommandOutcome> {
    const enhanced = this.#enhancers.of(commandDefinitionOf(call.command)?.name ?? '')
    if (enhanced === undefined && this.#middleware.length === 0) return await send(call)
    const last: CommandStep = enhanced === undefined ? send : (inner) => enhanced(inner, send)
    return await throughMiddleware(this.#middleware, last)(call)
  }
}
