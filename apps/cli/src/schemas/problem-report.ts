import type { OptionRow } from '../command.ts'
import type { Report } from '../report.ts'
import { githubLine, isUnusable, type Problem, problemData, problemLines, problemsSchema } from './problem.ts'
import { ruleLines } from './rule-texts.ts'

export const formatOption: OptionRow = {
  flags: '--format <format>',
  description: 'text, json (the same as -o json), or annotations of a GitHub workflow',
  choices: ['text', 'json', 'github'],
}

export const explainOption: OptionRow = {
  flags: '--explain <rule>',
  description: 'say what a rule is about, and nothing else',
}

/** What reports of problems have in common in the published schema. */
export const problemsMembers = { problems: problemsSchema }

interface Shown {
  readonly format: 'text' | 'json' | 'github' | undefined
  /** What `data` has beside the problems. */
  readonly data: object
  /** What was looked at, in a few words. */
  readonly done: string
}

/** Problems for people, programs and GitHub, and the exit code that follows from them: 0, 1 or 2. */
export function problemReport(problems: readonly Problem[], { format, data, done }: Shown): Report {
  const errors = problems.filter(({ severity }) => severity === 'error').length
  const warnings = problems.length - errors
  const items = problems.map(problemData)
  const summary = `${done}: ${counted(errors, 'error')}, ${counted(warnings, 'warning')}`
  const isGithub = format === 'github'
  return {
    status: problems.some(isUnusable) ? 'usage' : errors > 0 ? 'found' : 'ok',
    data: { ...data, problems: items },
    items,
    ids: [...new Set(problems.map(({ at }) => at.file))],
    lines: isGithub ? problems.map(githubLine) : [...problems.flatMap((each) => [...problemLines(each), '']), summary],
  }
}

/** The page of a rule, for `--explain`. Errors: `USAGE`. */
export function explanation(rule: string): Report {
  return { data: null, lines: ruleLines(rule) }
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
