import type { History, Version } from './history.ts'

/** What is wrong with a recorded run, one line each; nothing when it is as promised. */
export function violations(history: History): readonly string[] {
  return CHECKS.flatMap((check) => check(history))
}

type Check = (history: History) => readonly string[]

/** A schema has one id, whoever registered it, wherever, whenever. */
const oneIdPerSchema: Check = (history) =>
  disagreements(
    everySaying(history),
    ({ schema }) => schema,
    ({ id }) => id,
  ).map(([schema, ids]) => `two ids: ${schema} has ${ids.join(' and ')}`)

/** An id means one schema, for ever. */
const oneSchemaPerId: Check = (history) =>
  disagreements(
    everySaying(history),
    ({ id }) => id,
    ({ schema }) => schema,
  ).map(([id, schemas]) => `id reused: ${id} is ${schemas.join(' and ')}`)

/** A version of a subject is one schema. */
const oneSchemaPerVersion: Check = ({ acknowledged, log, final }) =>
  disagreements([...acknowledged, ...log, ...final], placeOf, ({ schema }) => schema).map(
    ([place, schemas]) => `version reused: ${place} is ${schemas.join(' and ')}`,
  )

/** A schema is one version of a subject. */
const oneVersionPerSchema: Check = ({ acknowledged, log, final }) =>
  disagreements(
    [...acknowledged, ...log, ...final],
    ({ subject, schema }) => `${subject} ${schema}`,
    ({ version }) => version,
  ).map(([what, versions]) => `two versions: ${what} is ${versions.join(' and ')}`)

/** What was acknowledged is there, where it was said to be. */
const nothingForgotten: Check = ({ acknowledged, final, forgotten }) => {
  const there = new Set(final.map((version) => `${placeOf(version)} ${version.id} ${version.schema}`))
  const lost = acknowledged.filter((each) => !there.has(`${placeOf(each)} ${each.id} ${each.schema}`))
  return [
    ...lost.map((each) => `forgotten: ${placeOf(each)} with id ${each.id} was acknowledged and is not there`),
    ...forgotten.map((what) => `forgotten: ${what}`),
  ]
}

/** Versions of a subject count up from 1. */
const gapless: Check = ({ final }) =>
  [...Map.groupBy(final, ({ subject }) => subject)].flatMap(([subject, versions]) => {
    const numbers = versions.map(({ version }) => version).sort((left, right) => left - right)
    return numbers.every((version, index) => version === index + 1) ? [] : [`gap: ${subject} has ${numbers.join(',')}`]
  })

/** A registry says what the log holds, and the other way round. */
const logAndRegistryAgree: Check = ({ log, final }) => {
  const texts = (versions: readonly Version[]) => new Set(versions.map((each) => `${placeOf(each)} ${each.id}`))
  const [inLog, said] = [texts(log), texts(final)]
  return [
    ...[...inLog.difference(said)].map((what) => `not applied: ${what} is in the log and nowhere else`),
    ...[...said.difference(inLog)].map((what) => `made up: ${what} is not in the log`),
  ]
}

/** Nothing is there that nobody asked for. */
const nothingMadeUp: Check = ({ registrations, final }) => {
  const asked = new Set(registrations.map(({ subject, schema }) => `${subject} ${schema}`))
  return final
    .filter(({ subject, schema }) => !asked.has(`${subject} ${schema}`))
    .map((version) => `made up: nobody registered ${placeOf(version)}`)
}

const CHECKS: readonly Check[] = [
  oneIdPerSchema,
  oneSchemaPerId,
  oneSchemaPerVersion,
  oneVersionPerSchema,
  nothingForgotten,
  gapless,
  logAndRegistryAgree,
  nothingMadeUp,
]

function placeOf({ subject, version }: Pick<Version, 'subject' | 'version'>): string {
  return `${subject}/${version}`
}

function everySaying({ acknowledged, lookUps, log, final }: History): readonly Pick<Version, 'id' | 'schema'>[] {
  return [...acknowledged, ...lookUps, ...log, ...final]
}

/** Keys with more than one value. */
function disagreements<Item, Key, Value>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
  valueOf: (item: Item) => Value,
): readonly (readonly [Key, readonly Value[]])[] {
  return [...Map.groupBy(items, keyOf)]
    .map(([key, group]) => [key, [...new Set(group.map(valueOf))]] as const)
    .filter(([, values]) => values.length > 1)
}
