import type { RunResult } from './run.ts'
import type { Step } from './lockstep.ts'

/** How many earlier operations about the same things are shown. */
const HISTORY = 12

/** The first difference, and the operations that led to it. */
export function reportOf({ steps, failures }: RunResult): string {
  const [first] = failures
  if (first === undefined) return ''
  const { step, differences } = first
  const { about } = step.operation
  const before = steps
    .filter(({ index, operation }) => index < step.index && operation.about.some((name) => about.includes(name)))
    .slice(-HISTORY)
  const lines = [
    `First difference: operation ${step.index}, ${titleOf(step)}`,
    ...differences.map(
      ({ path, kafka, ours }) =>
        `  ${path === '' ? '(whole)' : path}\n    Kafka ${show(kafka)}\n    ours  ${show(ours)}`,
    ),
    `request ${show(step.operation.request, 2_000)}`,
    `Kafka's answer ${show(step.kafka, 2_000)}`,
    `our answer     ${show(step.ours, 2_000)}`,
    about.length > 0 ? `What led to it (about ${about.join(', ')}):` : 'Nothing led to it.',
    ...before.map(
      (each) => `  ${each.index} ${titleOf(each)}\n      ${show(each.operation.request)}\n      → ${show(each.kafka)}`,
    ),
  ]
  return lines.join('\n')
}

/** One line for each further kind of difference: the same API, place and values are one kind. */
export function kindsOf({ failures }: RunResult): readonly string[] {
  const kinds = new Map<string, number>()
  for (const { step, differences } of failures) {
    for (const { path, kafka, ours } of differences.slice(0, 3)) {
      const place = path.replaceAll(/\[\d+\]/g, '[]')
      const kind = `${step.operation.title} (${step.operation.api}) ${place}: Kafka ${show(kafka, 160)}, ours ${show(ours, 160)}`
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    }
  }
  return [...kinds].map(([kind, count]) => `${count}× ${kind}`)
}

function titleOf({ operation }: Step): string {
  return `${operation.title}: ${operation.api} ${operation.version} on ${operation.connection}`
}

function show(value: unknown, lengthMax = 500): string {
  const text = JSON.stringify(value) ?? 'undefined'
  return text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text
}
