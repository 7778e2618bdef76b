import { CliError } from '../cli-error.ts'
import type { SchemaTree } from './schema-tree.ts'

/** The topics of every event, by `<context>/<EventName>`, as `<context>/topics.json` says. Errors: `SCHEMAS_MISPLACED`. */
export function topicsIn({ files, label }: SchemaTree): ReadonlyMap<string, readonly string[]> {
  const topics = new Map<string, string[]>()
  for (const [path, text] of files) {
    const [, context] = /^([a-z][a-z0-9-]*)\/topics\.json$/.exec(path) ?? []
    if (context === undefined) continue
    for (const [topic, events] of Object.entries(topicLists(text, label + path)))
      for (const event of events) {
        const key = `${context}/${event}`
        const known = topics.get(key)
        if (known === undefined) topics.set(key, [topic])
        else known.push(topic)
      }
  }
  return topics
}

export function topicLists(text: string, path: string): Readonly<Record<string, readonly string[]>> {
  const fix = 'Write { "topic": ["EventName", …] }'
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new CliError('SCHEMAS_MISPLACED', `${path} is not JSON: ${(error as Error).message}`, fix)
  }
  if (isTopicLists(value)) return value
  throw new CliError('SCHEMAS_MISPLACED', `${path} does not say which events go to which topic`, fix)
}

function isTopicLists(value: unknown): value is Readonly<Record<string, readonly string[]>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((list) => Array.isArray(list) && list.every((name) => typeof name === 'string'))
}
