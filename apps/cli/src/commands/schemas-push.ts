import type { CompatibilityLevel } from '@keyfold/avro'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { failureOf } from '../failure.ts'
import { listOf, objectOf, orNull, text, truth, whole } from '../json-schema.ts'
import type { Report } from '../report.ts'
import { checkHistory } from '../schemas/check-history.ts'
import type { EventHistory } from '../schemas/event-history.ts'
import { usableSchemas } from '../schemas/load-schemas.ts'
import { schemasOption } from '../schemas/find-history.ts'
import { LEVEL_DEFAULT, levelOption } from '../schemas/levels.ts'
import { problemData, problemLines, problemsSchema } from '../schemas/problem.ts'
import { counted } from '../schemas/problem-report.ts'
import { planPush, type PushPlan, type RegisterStep } from '../schemas/push-plan.ts'
import { RegisteredHistories } from '../schemas/registered-history.ts'
import { folderTree } from '../schemas/schema-tree.ts'

interface PushOptions {
  readonly schemas: string
  readonly level?: CompatibilityLevel
  readonly dryRun?: boolean
}

export const schemasPush = defineCommand<PushOptions>({
  path: 'schemas push',
  summary: 'register what the folder has and the registry lacks, after showing the plan',
  details: [
    'Sets the level of every subject first, then registers oldest versions first and what others refer to before them.',
    'Each version is registered only as the number that was planned: a registry that has gone on meanwhile refuses it.',
  ].join('\n'),
  options: [schemasOption, levelOption, { flags: '--dry-run', description: 'show the plan and change nothing' }],
  uses: ['registry'],
  examples: [
    ['keyfold schemas push --dry-run', 'what would be set and registered'],
    ['keyfold schemas push --yes --registry http://127.0.0.1:8081', 'do it, without asking'],
    ['keyfold schemas push --level full-transitive', 'with a stricter level; a lower one is refused'],
  ],
  exits: {
    found: 'a version does not go together with its history: nothing was changed',
    partial: 'the registry refused a version: what the plan has before it is done',
    refused: 'not confirmed, the level would be lowered, or the registry holds versions that the folder lacks',
  },
  data: objectOf({
    applied: truth,
    levels: listOf(objectOf({ subject: text, from: text, level: text })),
    registrations: listOf(
      objectOf({ subject: text, event: text, version: whole, expectedVersion: whole, id: orNull(whole) }),
    ),
    unchanged: whole,
    skipped: listOf(objectOf({ subject: text, version: whole })),
    problems: problemsSchema,
  }),
  async run(context, { schemas, level, dryRun = false }): Promise<Report> {
    const histories = usableSchemas(await folderTree(schemas))
    const registry = context.registry()
    const plan = await planPush(histories, new RegisteredHistories(registry), { level, levelDefault: LEVEL_DEFAULT })
    const linted = histories.flatMap((history) => checkHistory(history, level ?? LEVEL_DEFAULT))
    const errors = (plan.problems.length > 0 ? plan.problems : linted).filter(({ severity }) => severity === 'error')
    if (errors.length > 0) {
      const data = { ...dataOf(plan, []), problems: errors.map(problemData) }
      return { status: 'found', data, lines: [...errors.flatMap(problemLines), 'Nothing was changed.'] }
    }
    for (const history of histories) warnOfNoTopic(context, history, histories)
    if (dryRun || isEmpty(plan)) return { data: dataOf(plan, []), lines: linesOf(plan) }
    for (const line of linesOf(plan)) context.note(line)
    await context.confirm(`${summaryOf(plan)} at ${registry.url}`)
    return apply(context, plan)
  },
})

/** An event goes under its topic; only types that others refer to stand by their name alone. */
function warnOfNoTopic(context: Context, history: EventHistory, all: readonly EventHistory[]): void {
  const { event, fullName, isOnTopic } = history
  const references = all.flatMap(({ versions }) => versions.flatMap((version) => version.references))
  if (isOnTopic || references.some(({ subject }) => subject === fullName)) return
  const message = `${event} is on no topic: its subject is ${fullName}`
  const fix = `Name its topic in ${event.split('/')[0]}/topics.json`
  context.diagnose({ severity: 'warning', code: 'EVENT_WITHOUT_TOPIC', message, fix })
}

async function apply(context: Context, plan: PushPlan): Promise<Report> {
  const registry = context.registry()
  const ids: number[] = []
  let levelsSet = 0
  try {
    for (const { subject, level } of plan.levels) {
      await registry.send('PUT', `/config/${encodeURIComponent(subject)}`, { compatibility: level })
      levelsSet += 1
    }
    for (const { subject, schema, references, expectedVersion } of plan.registrations) {
      const body = { schema, version: expectedVersion, ...(references.length === 0 ? {} : { references }) }
      const answer = await registry.send('POST', `/subjects/${encodeURIComponent(subject)}/versions`, body)
      ids.push((answer as { readonly id: number }).id)
    }
  } catch (error) {
    const { code, message } = failureOf(error)
    if (levelsSet + ids.length === 0) throw error
    const fix = 'Look at the rest with keyfold schemas push --dry-run; what is registered stays so'
    const diagnostics = [{ severity: 'error', code, message, fix }] as const
    return { ...applied(plan, ids), status: 'partial', diagnostics }
  }
  return applied(plan, ids)
}

function applied(plan: PushPlan, ids: readonly number[]): Report {
  const done = plan.registrations.slice(0, ids.length)
  return {
    data: { ...dataOf(plan, ids), applied: true },
    ids: ids.map(String),
    lines: done.map((step, at) => `${nameOf(step)}: id ${ids[at]}`),
  }
}

function dataOf({ levels, registrations, unchanged, skipped }: PushPlan, ids: readonly number[]) {
  const steps = registrations.map(({ subject, event, version, expectedVersion }, at) => ({
    subject,
    event,
    version,
    expectedVersion,
    id: ids[at] ?? null,
  }))
  return { applied: false, levels, registrations: steps, unchanged, skipped, problems: [] as object[] }
}

function isEmpty({ levels, registrations }: PushPlan): boolean {
  return levels.length === 0 && registrations.length === 0
}

function linesOf(plan: PushPlan): readonly string[] {
  const { levels, registrations, unchanged, skipped } = plan
  return [
    ...levels.map(({ subject, from, level }) =>
      from === level ? `set the level of ${subject}: ${level}` : `set the level of ${subject}: ${from} -> ${level}`,
    ),
    ...registrations.map((step) => `register ${nameOf(step)}`),
    ...skipped.map(({ subject, version }) => `leave out version ${version} of ${subject}: a younger one is registered`),
    isEmpty(plan)
      ? `Nothing to do: ${unchanged} registered already.`
      : `${summaryOf(plan)}; ${unchanged} registered already.`,
  ]
}

function nameOf({ subject, event, version, expectedVersion }: RegisterStep): string {
  return `${event} v${version} as version ${expectedVersion} of ${subject}`
}

function summaryOf({ levels, registrations }: PushPlan): string {
  return `Set ${counted(levels.length, 'level')} and register ${counted(registrations.length, 'version')}`
}
