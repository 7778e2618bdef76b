import type { Plan, Planned, Script, ScriptFetchSession, ScriptTopic } from '../script.ts'
import { fetched } from './reading.ts'

/** Fetches of one session, one after the other: what is wanted is remembered, and only what has changed is told. */
export const fetchInSession: Plan = (script) => {
  const session = script.pick(script.fetchSessions)
  if (session === undefined || script.fetchSessions.length < 2) return begin(script)
  return script.chance(0.1) ? end(script, session) : goOn(script, session)
}

interface FetchAnswer {
  readonly errorCode: number
  readonly sessionId: unknown
}

function begin(script: Script): Planned | undefined {
  const byId = script.chance(0.5)
  const name = script.fresh('session-')
  const session: ScriptFetchSession = { name, byId, epoch: 1, topics: new Set() }
  const topics = wanted(script, session, 2)
  if (topics.length === 0) return undefined
  return fetch(script, session, {
    title: 'begins',
    request: { sessionId: 0, sessionEpoch: 0, topics },
    learn: ({ sessionId }) => {
      if (sessionId !== 0) script.fetchSessions.push(session)
    },
  })
}

function goOn(script: Script, session: ScriptFetchSession): Planned | undefined {
  const sessionEpoch = session.epoch + (script.chance(0.05) ? 1 : 0)
  const topics = script.chance(0.5) ? wanted(script, session, script.between(0, 1)) : []
  const forgotten = script.chance(0.2) ? script.pick([...session.topics]) : undefined
  const forgottenTopicsData =
    forgotten === undefined ? [] : [{ ...fetched(forgotten, session.byId), partitions: [0, 1, 2, 3, 4, 5] }]
  return fetch(script, session, {
    title: sessionEpoch === session.epoch ? 'goes on' : 'comes with a wrong epoch',
    request: { sessionId: { $: 'session', of: session.name }, sessionEpoch, topics, forgottenTopicsData },
    learn: ({ errorCode }) => {
      if (errorCode === 0) session.epoch += 1
      if (forgotten !== undefined && errorCode === 0) session.topics.delete(forgotten)
    },
  })
}

function end(script: Script, session: ScriptFetchSession): Planned | undefined {
  script.fetchSessions.splice(script.fetchSessions.indexOf(session), 1)
  return fetch(script, session, {
    title: 'ends',
    request: { sessionId: { $: 'session', of: session.name }, sessionEpoch: -1, topics: wanted(script, session, 1) },
  })
}

interface SessionFetch {
  readonly title: string
  readonly request: Readonly<Record<string, unknown>>
  readonly learn?: (answer: FetchAnswer) => void
}

function fetch(script: Script, session: ScriptFetchSession, { title, request, learn }: SessionFetch) {
  const version = script.version('Fetch', session.byId ? { min: 13 } : { min: 7, max: 12 })
  if (version === undefined) return undefined
  return {
    operation: {
      title: `a fetch session ${title}`,
      api: 'Fetch',
      version,
      connection: 'sessions',
      about: [session.name, ...session.topics],
      names: { session: session.name },
      request: { maxWaitMs: 0, minBytes: 0, maxBytes: 50_000_000, isolationLevel: 0, ...request },
    },
    learn: (answer: unknown) => learn?.(answer as FetchAnswer),
  }
}

/** All partitions of so many topics, from anywhere. */
function wanted(script: Script, session: ScriptFetchSession, count: number) {
  const topics = new Set(Array.from({ length: count }, () => script.pick(script.topics)))
  return [...topics].flatMap((topic) => (topic === undefined ? [] : partitionsOf(script, session, topic)))
}

function partitionsOf(script: Script, session: ScriptFetchSession, topic: ScriptTopic) {
  session.topics.add(topic.name)
  const partitions = Array.from({ length: topic.partitions }, (_, partition) => ({
    partition,
    fetchOffset: script.chance(0.5) ? 0 : script.between(0, 60),
    partitionMaxBytes: 5_000_000,
  }))
  return [{ ...fetched(topic.name, session.byId), partitions }]
}
