import type { AggregateDescriptor, ProjectorDescriptor } from '@keyfold/eventsourcing'
import { Injectable } from '@nestjs/common'
import { fail } from './errors.ts'

/** What the modules of an application have asked for with `forFeature`, checked as one whole at start. */
@Injectable()
export class KeyfoldFeatures {
  readonly #aggregates = new Map<string, AggregateDescriptor>()
  readonly #projectors = new Map<string, ProjectorDescriptor>()

  addAggregate(aggregate: AggregateDescriptor): void {
    add(this.#aggregates, aggregate, 'aggregates')
  }

  addProjector(projector: ProjectorDescriptor): void {
    add(this.#projectors, projector, 'projectors')
  }

  get aggregates(): readonly AggregateDescriptor[] {
    return [...this.#aggregates.values()]
  }

  get projectors(): readonly ProjectorDescriptor[] {
    return [...this.#projectors.values()]
  }

  /** @throws {KeyfoldError} `NAME_TAKEN` when two aggregates share a topic or a command name */
  check(): void {
    refuseShared(this.aggregates, 'the topic', ({ topic }) => [topic])
    refuseShared(this.aggregates, 'the command', ({ commands }) => commands.map(({ command }) => command.name))
  }
}

function add<Described extends { readonly name: string }>(
  map: Map<string, Described>,
  item: Described,
  kind: string,
): void {
  const known = map.get(item.name)
  // The same module may be imported twice; two different things of one name may not.
  if (known !== undefined && known !== item) throw fail('NAME_TAKEN', `two ${kind} are called ${item.name}`)
  map.set(item.name, item)
}

function refuseShared(
  aggregates: readonly AggregateDescriptor[],
  what: string,
  namesOf: (aggregate: AggregateDescriptor) => readonly string[],
): void {
  const owners = new Map<string, string>()
  for (const aggregate of aggregates)
    for (const name of namesOf(aggregate)) {
      const owner = owners.get(name)
      if (owner !== undefined)
        throw fail('NAME_TAKEN', `aggregates ${owner} and ${aggregate.name} share ${what} ${name}`)
      owners.set(name, aggregate.name)
    }
}
