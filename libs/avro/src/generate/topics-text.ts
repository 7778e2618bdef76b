import { AvroError } from '../errors.ts'
import { quoted } from './literal-text.ts'
import type { TypeHistory } from './schema-history.ts'
import { memberText } from './type-text.ts'
import { upperFirst } from './typescript-types.ts'

/** The events of one topic, by their short names: a member of `schemas/<context>/topics.json`. */
export interface TopicEvents {
  readonly context: string
  readonly topic: string
  readonly events: readonly string[]
}

/** A map by name for each topic, and one of all topics; nothing when no topic was given. Throws `AVRO_HISTORY_INVALID`. */
export function topicsText(events: readonly TypeHistory[], topics: readonly TopicEvents[]): string {
  if (topics.length === 0) return ''
  const sorted = topics.toSorted((left, right) => (left.topic < right.topic ? -1 : 1))
  const context = sorted[0]?.context.split('-').map(upperFirst).join('')
  return [
    ...sorted.flatMap((topic) => [
      `\n/** The events on topic "${topic.topic}" by name: what reading each of them gives. */`,
      `export interface ${topicName(topic)} {`,
      ...ofTopic(events, topic).map(({ fullName, root }) => memberText(quoted(fullName), root.name.name, 2)),
      '}',
    ]),
    `\n/** The topics of "${sorted[0]?.context}" and what is on them. */`,
    `export interface ${context}Topics {`,
    ...sorted.map((topic) => memberText(quoted(topic.topic), topicName(topic), 2)),
    '}\n',
  ].join('\n')
}

function ofTopic(known: readonly TypeHistory[], { context, topic, events }: TopicEvents): readonly TypeHistory[] {
  return events.toSorted().map((name) => {
    const found = known.find(({ root }) => root.name.name === name)
    if (found !== undefined) return found
    const there = known.map(({ root }) => root.name.name).join(', ')
    const reason = `${context}/topics.json: topic ${topic} has an event ${name}, but the events are ${there}`
    throw new AvroError('AVRO_HISTORY_INVALID', reason, { fix: 'Correct the name, or write the schema of the event.' })
  })
}

function topicName({ topic }: TopicEvents): string {
  const words = topic.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  return `${words.map(upperFirst).join('')}TopicEvents`.replace(/^\d/, (digit) => `Topic${digit}`)
}
