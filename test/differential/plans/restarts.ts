import type { Ending } from '../operation.ts'
import type { Plan, Script } from '../script.ts'
import { initAgain } from './transactions.ts'

/**
 * Both brokers end and start again; what comes after shows what they have kept. Transactions are ended before: ours does
 * not go on with open ones (broker-differences.md, 37).
 */
export function restartBoth(script: Script, ending: Ending): void {
  for (const producer of script.producers) {
    if (producer.transactionalId !== null) script.queue.push(() => initAgain(script, producer, false))
  }
  script.queue.push(restarting(ending))
}

function restarting(ending: Ending): Plan {
  return (script) => ({
    operation: {
      title: ending === 'kill' ? 'topics after both were killed' : 'topics after both were stopped',
      api: 'Metadata',
      version: script.version('Metadata', { min: 4 }) ?? 4,
      connection: 'admin',
      about: [],
      request: { topics: script.topics.map(({ name }) => ({ name })), allowAutoTopicCreation: false },
      restart: ending,
      settle: [
        ...script.topics.map(({ name, partitions }) => ({ kind: 'topic', topic: name, partitions }) as const),
        { kind: 'coordinators' },
      ],
    },
    learn: () => {
      // Connections are gone, and what waited on them; fetch sessions live in memory.
      for (const { members } of script.groups) for (const member of members) member.isParked = false
      script.fetchSessions.length = 0
    },
  })
}
