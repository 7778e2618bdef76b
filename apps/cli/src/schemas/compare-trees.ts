import { diffSchemas, type SchemaChange } from '@keyfold/avro'
import { placeIn } from './check-history.ts'
import { type EventHistory, type HistoryVersion, identityOf } from './event-history.ts'
import { type Problem, startOf } from './problem.ts'

/**
 * What was published must stay as it is: every version of the old tree has to be in the new one, with the same content.
 * Layout and notes for the linter may change.
 */
export function comparePublished(now: readonly EventHistory[], published: readonly EventHistory[]): readonly Problem[] {
  return published.flatMap(({ event, versions }) => {
    const here = now.find((history) => history.event === event)
    return versions.flatMap((old) => {
      const same = here?.versions.find(({ version }) => version === old.version)
      if (same === undefined) return [removed(event, old, here)]
      return identityOf(same) === identityOf(old) ? [] : [changed(event, old, same)]
    })
  })
}

function removed(event: string, old: HistoryVersion, here: EventHistory | undefined): Problem {
  const newest = here?.versions.at(-1)
  const place = startOf(old.file, old.source.text)
  return {
    severity: 'error',
    rule: 'SCHEMA_VERSION_REMOVED',
    event,
    path: '',
    message: `version ${old.version} of ${event} was published and is gone`,
    fix: `Restore it: git show ${old.file}`,
    ...(newest === undefined
      ? { at: place, previous: undefined }
      : { at: startOf(newest.file, newest.source.text), previous: place }),
  }
}

function changed(event: string, old: HistoryVersion, now: HistoryVersion): Problem {
  const changes = diffSchemas(old.source, now.source)
  const [first] = changes
  const others = changes.length > 1 ? ` (and ${changes.length - 1} more)` : ''
  const what = first === undefined ? 'what it refers to' : changeText(first) + others
  return {
    severity: 'error',
    rule: 'SCHEMA_VERSION_CHANGED',
    event,
    path: first?.path ?? '',
    message: `version ${old.version} of ${event} was published and differs now: ${what}`,
    fix: `Restore it (git show ${old.file}), and write the change as the next version`,
    at: placeIn(now.file, now.source, first?.afterAt),
    previous: placeIn(old.file, old.source, first?.beforeAt),
  }
}

/** `added field MoneyDeposited.memo: "string"`. */
export function changeText({ kind, what, path, before, after }: SchemaChange): string {
  const values = [before, after].flatMap((value) => value ?? [])
  const shown = kind === 'moved' ? [] : values.map(shortened)
  return `${kind} ${what} ${path}${shown.length === 0 ? '' : `: ${shown.join(' -> ')}`}`
}

function shortened(value: string): string {
  return value.length > 80 ? `${value.slice(0, 80)}…` : value
}
