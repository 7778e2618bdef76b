/** What happened in a run: a fault that never bit proves nothing. */
export type Coverage = Record<
  | 'commands told'
  | 'rejected'
  | 'calls without an answer'
  | 'unknown outcomes'
  | 'repeats recognised'
  | 'version conflicts'
  | 'batches fenced'
  | 'batches unknown'
  | 'claims'
  | 'take-overs'
  | 'killed'
  | 'paused'
  | 'frames cut'
  | 'ends held back'
  | 'late ends refused'
  | 'rebalance storms'
  | 'broker restarts',
  number
>

/** What never happened. */
export function missed(coverage: Coverage): readonly string[] {
  return Object.entries(coverage).flatMap(([name, count]) => (count > 0 ? [] : [name]))
}

export function sum(total: Coverage | undefined, more: Coverage): Coverage {
  if (total === undefined) return more
  const added = { ...total }
  for (const name of Object.keys(more) as (keyof Coverage)[]) added[name] += more[name]
  return added
}

export function table(coverage: Coverage): string {
  return Object.entries(coverage)
    .map(([name, count]) => `  ${name.padEnd(26)}${count}\n`)
    .join('')
}
