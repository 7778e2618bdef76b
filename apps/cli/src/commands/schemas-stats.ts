import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { listOf, objectOf, orNull, text, truth, whole } from '../json-schema.ts'
import type { Report } from '../report.ts'
import { guidOf, nameOf } from '../schemas/event-history.ts'
import { RegisteredHistories, type RegisteredVersion } from '../schemas/registered-history.ts'
import { countSchemas, type TopicCounts } from '../schemas/version-counts.ts'

interface StatsOptions {
  readonly topic?: readonly string[]
}

export const schemasStats = defineCommand<StatsOptions>({
  path: 'schemas stats',
  summary: 'count the stored records of every version of a subject, topic by topic',
  details: 'Reads the whole topic up to where it ended when the command began; only committed records count.',
  arguments: [['<subject>', 'such as bank.account-bank.MoneyDeposited']],
  options: [
    {
      flags: '--topic <topic>',
      description: 'where to look, repeatable (default: the topic that the subject names)',
      parse: (topic, before) => [...((before as readonly string[] | undefined) ?? []), topic],
    },
  ],
  uses: ['kafka', 'registry'],
  examples: [
    ['keyfold schemas stats bank.account-bank.MoneyDeposited', 'which versions are still stored'],
    [
      'keyfold schemas stats bank.Money --topic bank.account --topic bank.payment',
      'in topics that its name does not tell',
    ],
  ],
  data: objectOf({
    subject: text,
    topics: listOf(
      objectOf({
        topic: text,
        records: whole,
        versions: listOf(
          objectOf({
            version: whole,
            id: whole,
            deleted: truth,
            records: whole,
            first: orNull(text),
            last: orNull(text),
          }),
        ),
        otherSchemas: whole,
        withoutSchema: whole,
      }),
    ),
  }),
  async run(context, options, [subject = '']): Promise<Report | undefined> {
    const registry = context.registry()
    const history = await new RegisteredHistories(registry).history(subject)
    if (history === undefined) {
      const reason = `the registry at ${registry.url} has no subject ${JSON.stringify(subject)}`
      throw new CliError('EVENT_NOT_FOUND', reason, 'Compare with keyfold schemas list --from registry')
    }
    const admin = await context.admin()
    const kafka = await context.kafka()
    const topics: TopicStats[] = []
    for (const topic of options.topic ?? [topicOf(subject, history.versions)]) {
      const onProgress = stepwise((percent) => context.note(`${topic}: ${percent} % read`))
      const counts = await countSchemas(topic, { admin, kafka, signal: context.signal, onProgress })
      // Half a topic is no answer.
      if (context.signal.aborted) return undefined
      topics.push(statsOf(counts, history.versions))
    }
    return {
      data: { subject, topics },
      items: topics,
      ids: topics.map(({ topic }) => topic),
      tables: topics.map(({ topic, versions, otherSchemas, withoutSchema, records }) => ({
        title: `${topic}: ${records} records, ${otherSchemas} of other schemas, ${withoutSchema} without one`,
        columns: [
          'VERSION',
          { heading: 'ID', right: true },
          { heading: 'RECORDS', right: true },
          'FIRST',
          'LAST',
          'DELETED',
        ],
        rows: versions.map((each) => [
          each.version,
          each.id,
          each.records,
          each.first,
          each.last,
          each.deleted ? 'yes' : 'no',
        ]),
      })),
    }
  },
})

interface TopicStats {
  readonly topic: string
  readonly records: number
  readonly versions: readonly VersionStats[]
  readonly otherSchemas: number
  readonly withoutSchema: number
}

interface VersionStats {
  readonly version: number
  readonly id: number
  readonly deleted: boolean
  readonly records: number
  readonly first: string | null
  readonly last: string | null
}

function statsOf(
  { topic, records, bySchema, withoutSchema }: TopicCounts,
  history: readonly RegisteredVersion[],
): TopicStats {
  const versions = history.map((each) => {
    const found = [bySchema.get(each.id), bySchema.get(guidOf(each))].flatMap((count) => count ?? [])
    const first = found.length === 0 ? null : new Date(Math.min(...found.map(({ firstMs }) => firstMs))).toISOString()
    const last = found.length === 0 ? null : new Date(Math.max(...found.map(({ lastMs }) => lastMs))).toISOString()
    const count = found.reduce((sum, each) => sum + each.records, 0)
    return { version: each.version, id: each.id, deleted: each.isDeleted, records: count, first, last }
  })
  // A schema that was deleted and registered anew has two versions with one id.
  const own = new Map(versions.map(({ id, records: count }) => [id, count]))
  const ofSubject = [...own.values()].reduce((sum, count) => sum + count, 0)
  return { topic, records, versions, otherSchemas: records - withoutSchema - ofSubject, withoutSchema }
}

/** Subjects of the strategy TopicRecordName begin with their topic. Errors: `USAGE`. */
function topicOf(subject: string, versions: readonly RegisteredVersion[]): string {
  const newest = versions.at(-1)
  const suffix = newest === undefined ? '' : `-${nameOf(newest.parsed)}`
  if (suffix !== '' && subject.endsWith(suffix)) return subject.slice(0, -suffix.length)
  if (subject.endsWith('-value')) return subject.slice(0, -'-value'.length)
  throw new CliError('USAGE', `${subject} does not name a topic`, 'Say where to look with --topic')
}

/** Says every tenth part once. */
function stepwise(say: (percent: number) => void): (share: number) => void {
  let said = 0
  return (share) => {
    const tenth = Math.floor(share * 10)
    if (tenth <= said) return
    said = tenth
    say(tenth * 10)
  }
}
