import {
  type AggregateDescriptor,
  type AnyCommandType,
  type ProjectorDescriptor,
  upcastTargets,
} from '@keyfold/eventsourcing'
import { Injectable, Logger } from '@nestjs/common'
import { fail } from './errors.ts'

/** What the modules of an application have asked for with `forFeature`, checked as one whole at start. */
@Injectable()
export class KeyfoldFeatures {
  readonly #aggregates = new Map<string, AggregateDescriptor>()
  readonly #projectors = new Map<string, { readonly descriptor: ProjectorDescriptor; readonly source: object }>()
  readonly #commands = new Set<AnyCommandType>()
  readonly #logger = new Logger('Keyfold')

  addAggregate(aggregate: AggregateDescriptor): void {
    const known = this.#aggregates.get(aggregate.name)
    if (known === undefined) this.#aggregates.set(aggregate.name, aggregate)
    else this.#again('aggregates', aggregate.name, known === aggregate)
  }

  /** `source` is what it was made from: its class, or the descriptor itself. */
  addProjector(descriptor: ProjectorDescriptor, source: object = descriptor): void {
    const known = this.#projectors.get(descriptor.name)
    if (known === undefined) this.#projectors.set(descriptor.name, { descriptor, source })
    else this.#again('projectors', descriptor.name, known.source === source)
  }

  /** A command that a module sends: some aggregate must handle it. */
  addCommand(command: AnyCommandType): void {
    this.#commands.add(command)
  }

  get aggregates(): readonly AggregateDescriptor[] {
    return [...this.#aggregates.values()]
  }

  get projectors(): readonly ProjectorDescriptor[] {
    return [...this.#projectors.values()].map(({ descriptor }) => descriptor)
  }

  has(projector: string): boolean {
    return this.#projectors.has(projector)
  }

  /**
   * Errors: `NAME_TAKEN` when two aggregates share a topic or a command name, `HANDLERS_MISSING`, `EVENT_NOT_EMITTED`,
   * `COMMAND_UNHANDLED`.
   */
  check(): void {
    refuseShared(this.aggregates, 'the topic', ({ topic }) => [topic])
    refuseShared(this.aggregates, 'the command', ({ commands }) => commands.map(({ command }) => command.name))
    for (const aggregate of this.aggregates) refuseSilent(aggregate)
    for (const projector of this.projectors) refuseDeaf(projector, this.aggregates)
    for (const { command } of this.#commands)
      if (!this.aggregates.some(({ decide }) => decide.has(command.name)))
        throw fail('COMMAND_UNHANDLED', `no aggregate handles ${command.name}; ${listing('handled', this.#handled)}`)
  }

  get #handled(): readonly string[] {
    return this.aggregates.flatMap(({ decide }) => [...decide.keys()])
  }

  #again(kind: string, name: string, isSame: boolean): void {
    if (!isSame) throw fail('NAME_TAKEN', `two ${kind} are called ${name}; ${listing(kind, [...this.#namesOf(kind)])}`)
    this.#logger.warn(
      `${name} is given to forFeature twice, and taken once: keep forFeature({ … }) in a constant and import that`,
    )
  }

  #namesOf(kind: string): Iterable<string> {
    return kind === 'aggregates' ? this.#aggregates.keys() : this.#projectors.keys()
  }
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

/** An aggregate that no command reaches, or that could never say what happened. */
function refuseSilent({ name, commands, events }: AggregateDescriptor): void {
  if (commands.length === 0)
    throw fail('HANDLERS_MISSING', `aggregate ${name} handles no command: give it a method with @Handles(Command)`)
  if (events.length > 0) return
  const handled = commands.map(({ command }) => command.name)
  throw fail(
    'HANDLERS_MISSING',
    `aggregate ${name} has no events: give it @Applies(Event) methods, or \`emits\`; ${listing('its commands', handled)}`,
  )
}

/** A projector that hears nothing, or listens for what nobody says. Topics of other applications may hold anything. */
function refuseDeaf(projector: ProjectorDescriptor, aggregates: readonly AggregateDescriptor[]): void {
  const { name, topics, events } = projector
  if (events.length === 0)
    throw fail('HANDLERS_MISSING', `projector ${name} has no method with @On(Event), so it would never do anything`)
  const sources = aggregates.filter(({ topic }) => topics.includes(topic))
  if (sources.length < topics.length) return
  const known = new Set(sources.flatMap(eventsOf))
  const unknown = events.find(({ eventName }) => !known.has(eventName))
  if (unknown === undefined) return
  const from = sources.map((aggregate) => aggregate.name).join(', ')
  throw fail(
    'EVENT_NOT_EMITTED',
    `projector ${name} listens to ${unknown.eventName}, which is no event of ${from}; ${listing('their events', [...known])}`,
  )
}

function eventsOf({ events, upcasters }: AggregateDescriptor): readonly string[] {
  return [...events.map(({ eventName }) => eventName), ...upcasters.flatMap(upcastTargets)]
}

function listing(what: string, names: readonly string[]): string {
  return names.length === 0 ? `there are no ${what}` : `${what}: ${names.toSorted().join(', ')}`
}
