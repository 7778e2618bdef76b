import { RE2JS, RE2JSException } from 're2js'

/** The topics as subscriptions see them. */
export interface TopicSource {
  /** Grows with every change of the topics. */
  readonly revision: number
  get(name: string): SubscribedTopic | undefined
  byId(id: string): SubscribedTopic | undefined
  all(): readonly SubscribedTopic[]
}

export interface SubscribedTopic {
  readonly name: string
  readonly id: string
  readonly partitionCount: number
}

export interface Subscription {
  readonly subscribedTopicNames: readonly string[]
  /** Empty for none. */
  readonly subscribedTopicRegex: string
}

/**
 * From names and patterns to topics. Patterns are RE2's, which are matched in linear time whatever they are, and are
 * resolved once for each state of the topics.
 */
export class Subscriptions {
  readonly #topics: TopicSource
  readonly #matches = new Map<string, readonly SubscribedTopic[]>()
  #matchesRevision = -1

  constructor(topics: TopicSource) {
    this.#topics = topics
  }

  get topics(): TopicSource {
    return this.#topics
  }

  get revision(): number {
    return this.#topics.revision
  }

  /** The existing topics of a subscription. */
  topicsOf({ subscribedTopicNames, subscribedTopicRegex }: Subscription): SubscribedTopic[] {
    const topics = new Map<string, SubscribedTopic>()
    for (const name of subscribedTopicNames) {
      const topic = this.#topics.get(name)
      if (topic !== undefined) topics.set(topic.id, topic)
    }
    for (const topic of this.#matching(subscribedTopicRegex)) topics.set(topic.id, topic)
    return [...topics.values()]
  }

  #matching(pattern: string): readonly SubscribedTopic[] {
    if (pattern === '') return []
    if (this.#matchesRevision !== this.#topics.revision || this.#matches.size >= patternsKeptMax) {
      this.#matches.clear()
      this.#matchesRevision = this.#topics.revision
    }
    let matches = this.#matches.get(pattern)
    if (matches === undefined) {
      const compiled = RE2JS.compile(pattern)
      matches = this.#topics.all().filter(({ name }) => compiled.matches(name))
      this.#matches.set(pattern, matches)
    }
    return matches
  }
}

/** What is wrong with a pattern, undefined if nothing is. */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.length > patternLengthMax) {
    return `SubscribedTopicRegex is longer than ${patternLengthMax} characters.`
  }
  try {
    const size = RE2JS.compile(pattern).programSize()
    return size > programSizeMax ? 'SubscribedTopicRegex is too large.' : undefined
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    const reason = error.message.replace(/^error parsing regexp: (.*?)(?:: `.*`)?$/s, '$1')
    return `SubscribedTopicRegex \`${pattern}\` is not a valid regular expression: ${reason}.`
  }
}

/** Enough for any list of topics; more would let one member keep the broker busy with matching. */
const patternLengthMax = 4096
const programSizeMax = 5000
const patternsKeptMax = 1000
