import type { TopicEvents } from '@keyfold/avro'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { topicLists } from './schemas/topic-subjects.ts'

/**
 * Reads `<root>/<context>/topics.json` of these contexts: `{ "bank.account": ["AccountOpened", …], … }`, which says which
 * events go to which topic. A context may have none.
 */
export async function readTopicFiles(root: string, contexts: Iterable<string>): Promise<readonly TopicEvents[]> {
  const ofContexts = await Promise.all(
    [...new Set(contexts)].map(async (context) => {
      const path = join(root, context, 'topics.json')
      const text = await textOf(path)
      if (text === undefined) return []
      return Object.entries(topicLists(text, path)).map(([topic, events]) => ({ context, topic, events }))
    }),
  )
  return ofContexts.flat()
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
