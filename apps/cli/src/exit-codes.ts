/** What a command's exit code means; the same for all commands. README.md prints this table. */
export const EXIT = {
  ok: 0,
  found: 1,
  usage: 2,
  unreachable: 3,
  partial: 4,
  refused: 5,
  timeout: 124,
  interrupted: 130,
} as const

export type ExitName = keyof typeof EXIT
export type ExitCode = (typeof EXIT)[ExitName]

export const EXIT_MEANINGS: Readonly<Record<ExitName, string>> = {
  ok: 'done',
  found: 'ran and found what it looks for (stale code, damaged data, lag over the limit), or failed by itself',
  usage: 'wrong use: options, input or settings that cannot be',
  unreachable: 'a broker or a registry cannot be reached',
  partial: 'done in part: some of what was asked for failed',
  refused: 'refused for safety: it needs --execute, --yes, or another state of the cluster',
  timeout: 'not done within --timeout',
  interrupted: 'ended by Ctrl-C before it was done',
}
