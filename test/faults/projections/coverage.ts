import type { History } from './history.ts'
import type { StrikeName } from './strikes.ts'

/** One line of the table of a run: something that was tried, and what shows that it bit. */
export interface Covered {
  readonly what: string
  readonly struck: number
  readonly trace: string
  readonly seen: number
}

/** What a fault leaves behind when it bites. The lane counts it by this name. */
export const TRACES: Readonly<Record<StrikeName, string>> = {
  kill: 'a process died with events ahead of it',
  'zombie with work': 'a zombie was refused',
  'second process': 'an elder process was refused',
  'broker restart': 'a commit was repeated or left in doubt',
  poison: 'an event was set aside',
  mend: 'a parked event was applied',
  'taken back': 'a transaction was taken back',
  rebuild: 'a commit was acknowledged during a rebuild',
  'kill in a rebuild': 'a rebuild died halfway',
  'database restart': 'the restarted database was missed',
  'database crash': 'the crashed database was missed',
  'connections terminated': 'a connection was ended',
  'COMMIT lost': 'a COMMIT was lost',
  'COMMIT unanswered': 'a COMMIT went unanswered',
}

/** Every fault that struck, and every question that was asked, with how often it led anywhere. */
export function coverageOf(history: History): readonly Covered[] {
  const { counts, queries, log, effects } = history
  const faults = (Object.keys(TRACES) as StrikeName[]).flatMap((what) => {
    const struck = counts[what] ?? 0
    return struck === 0 ? [] : { what, struck, trace: TRACES[what], seen: counts[TRACES[what]] ?? 0 }
  })
  const asked = (trace: string, of: readonly unknown[]): Covered => ({
    what: 'questions',
    struck: queries.length,
    trace,
    seen: of.length,
  })
  const visible = queries.filter(({ outcome }) => outcome === 'visible')
  return [
    ...faults,
    asked('shown', visible),
    asked(
      'told "not yet"',
      queries.filter(({ outcome }) => outcome === 'timeout'),
    ),
    asked(
      'shown in the middle of a rebuild',
      visible.filter(({ during }) => during === 'rebuild'),
    ),
    asked(
      'put to a replaced process',
      queries.filter(({ session }) => session !== STEADY),
    ),
    { what: 'effects', struck: effects.length, trace: 'answers in the log', seen: log.filter(isAnswer).length },
  ]
}

/** The session that goes on through a whole run. */
export const STEADY = 'steady'

function isAnswer({ note }: { readonly note: string }): boolean {
  return note.startsWith('because of ')
}

export function coverageTable(rows: readonly Covered[]): string {
  return rows
    .map(({ what, struck, trace, seen }) => `  ${what.padEnd(24)}${String(struck).padStart(6)}  ${trace}: ${seen}\n`)
    .join('')
}
