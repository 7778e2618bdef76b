import type { AggregateHistory, AggregateQueries, DryRun, DryRunOptions, ShowOptions } from '@keyfold/event-store'
import { type AggregateDescriptor, type Command, type DescribedClass, descriptorOf } from '@keyfold/eventsourcing'
import { Inject, Injectable } from '@nestjs/common'
import { KeyfoldRuntime } from './keyfold-runtime.ts'

/** Names an aggregate: by its class, its value, or its name. */
export type AggregateReference = AggregateDescriptor | DescribedClass | string

/** Looks at aggregates: what they are, what they were, and what they would answer. Works in every role, and never writes. */
@Injectable()
export class KeyfoldAggregates {
  readonly #runtime: KeyfoldRuntime

  constructor(@Inject(KeyfoldRuntime) runtime: KeyfoldRuntime) {
    this.#runtime = runtime
  }

  /** See `AggregateQueries.show`. Errors: `AGGREGATE_UNKNOWN`, `VERSION_NOT_REACHED`, those of reading. */
  show(aggregate: AggregateReference, key: string, options?: ShowOptions): Promise<AggregateHistory> {
    const name = typeof aggregate === 'string' ? aggregate : descriptorOf(aggregate as DescribedClass, 'aggregate').name
    return this.#queries.show(name, key, options)
  }

  /** See `AggregateQueries.dryRun`. Errors: `COMMAND_UNKNOWN`, `COMMAND_INVALID`, `VERSION_NOT_REACHED`, those of reading. */
  dryRun(command: Command, options?: DryRunOptions): Promise<DryRun> {
    return this.#queries.dryRun(command, options)
  }

  get all(): readonly AggregateDescriptor[] {
    return this.#queries.aggregates
  }

  get #queries(): AggregateQueries {
    return this.#runtime.aggregates
  }
}
