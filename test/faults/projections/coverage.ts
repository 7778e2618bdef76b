import type { History } from './history.ts'
import { causeOf } from './ledger.ts'
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
  'member stands still': 'a member that stood still was passed over',
  'members come and go': 'a partition went to another member',
  'rebuild among members': 'a member came or went in a rebuild',
  'builder is killed': 'a rebuild was gone on with after a death',
  'builder stands still': 'a rebuild was gone on with by another member',
  'order from afar': 'who rebuilds did what another member asked',
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
  const stood = counts['member stands still']
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
      visible.filter(({ during }) => isQuietRebuild(during)),
    ),
    asked(
      'put to a replaced process',
      queries.filter(({ session }) => !session.startsWith(STEADY)),
    ),
    ...(stood === undefined
      ? []
      : [{ what: 'member stands still', struck: stood, trace: LATE, seen: counts[LATE] ?? 0 }]),
    { what: 'effects', struck: effects.length, trace: 'answers in the log', seen: log.filter(isAnswer).length },
  ]
}

/** What shows that members that share a projector were in each other's way. */
export const LATE = 'a late write of a member was refused'

/** The session that goes on through a whole run. */
export const STEADY = 'steady'

/** Whether a rebuild is going on, and nothing that a reader may notice. */
export function isQuietRebuild(during: string): boolean {
  return during === 'rebuild' || during === 'rebuild among members' || during === 'order from afar'
}

function isAnswer({ note }: { readonly note: string }): boolean {
  return causeOf(note) !== undefined
}

export function coverageTable(rows: readonly Covered[]): string {
  return rows
    .map(({ what, struck, trace, seen }) => `  ${what.padEnd(24)}${String(struck).padStart(6)}  ${trace}: ${seen}\n`)
    .join('')
}
