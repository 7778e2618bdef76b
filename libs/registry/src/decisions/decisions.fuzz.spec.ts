import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { RegistryError } from '../registry-error.ts'
import { contextOf } from '../state/qualified-subject.ts'
import { RegistryState } from '../state/registry-state.ts'
import type { LogRecord } from '../state/schema-record.ts'
import { setConfig } from './config.ts'
import { type Decision, nothingToWrite } from './decision.ts'
import { deleteContext, deleteSubject, deleteVersion } from './delete.ts'
import { deleteMode, setMode } from './mode.ts'
import { register } from './register.ts'

const SUBJECTS = ['a', 'b', ':.ctx:a'] as const
const SCHEMAS = ['"int"', '"long"', '"string"', '"bytes"'] as const

type Step = (state: RegistryState) => Decision<unknown>

const subjects = fc.constantFrom(...SUBJECTS)
const small = fc.integer({ min: 1, max: 4 })

function registering(subject: string, schema: string, more: { readonly id?: number; readonly version?: number }): Step {
  const { id, version = 0 } = more
  const rest = { schemaType: 'AVRO', references: [], metadata: undefined, ruleSet: undefined, normalize: false }
  return (state) => register(state, subject, { schema, id, version, ...rest }, true)
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(subjects, fc.constantFrom(...SCHEMAS)).map(([s, schema]) => registering(s, schema, {})),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(subjects, fc.constantFrom(...SCHEMAS), small, small)
      .map(([s, schema, id, version]) => registering(s, schema, { id, version })),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(subjects, small, fc.boolean()).map(([s, version, permanent]): Step => {
      return (state) => deleteVersion(state, s, version, permanent)
    }),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(subjects, fc.boolean()).map(
      ([s, permanent]): Step =>
        (state) =>
          deleteSubject(state, s, permanent),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(subjects, fc.constantFrom('IMPORT', 'READWRITE', null), fc.boolean()).map(
      ([s, mode, force]): Step =>
        (state) =>
          setMode(state, s, mode, force),
    ),
  },
  fc.constant<Step>((state) => deleteMode(state, undefined, true)),
  fc.constant<Step>((state) => deleteContext(state, '.ctx', ':.ctx:')),
  subjects.map(
    (s): Step =>
      (state) =>
        setConfig(state, s, { normalize: true, alias: null }),
  ),
)

/** Refusals change nothing. */
function decided(step: Step, state: RegistryState): Decision<unknown> {
  try {
    return step(state)
  } catch (error) {
    if (error instanceof RegistryError) return nothingToWrite(undefined)
    throw error
  }
}

function replay(records: readonly LogRecord[]): RegistryState {
  const state = new RegistryState('NONE')
  for (const record of records) state.apply(record)
  return state
}

/** Of every key the last record; deletions go at some time, too. */
function compacted(records: readonly LogRecord[]): readonly LogRecord[] {
  const last = new Map(records.map((record) => [record.key.toString(), record]))
  return records.filter((record) => last.get(record.key.toString()) === record && record.value !== null)
}

/** Everything that a client can learn, and that the next decision depends on. */
function shown(state: RegistryState): object {
  return {
    contexts: state.contexts(),
    versions: state
      .subjectNames()
      .map((subject) =>
        state.versionsOf(subject).map(({ version, id, guid, deleted }) => ({ subject, version, id, guid, deleted })),
      ),
    next: SUBJECTS.map((subject) => [
      state.nextVersion(subject),
      state.ids(subject).idMax,
      Object.fromEntries(state.ids(subject).retired),
      state.mode(subject),
      state.config(subject),
    ]),
  }
}

it('whatever is done, ids keep their meaning, and a replay of the log, compacted or not, gives the same state', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 40 }), (sequence) => {
      const state = new RegistryState('NONE')
      const records: LogRecord[] = []
      /** What ids meant, by context and id. Only IMPORT may give a free one anew. */
      const meanings = new Map<string, string>()
      for (const step of sequence) {
        const before = new Set(SUBJECTS.filter((subject) => state.mode(subject) === 'IMPORT').map(contextOf))
        for (const write of decided(step, state).writes) {
          const record = { ...write, offset: records.length, timestampMs: 0 }
          records.push(record)
          state.apply(record)
        }
        for (const { subject, id, guid } of state.subjectNames().flatMap((name) => state.versionsOf(name))) {
          const name = `${contextOf(subject)} ${id}`
          if (!before.has(contextOf(subject))) expect(meanings.get(name) ?? guid).toBe(guid)
          meanings.set(name, guid)
        }
      }
      expect(shown(replay(records))).toEqual(shown(state))
      expect(shown(replay(compacted(records)))).toEqual(shown(state))
    }),
    { numRuns: 300 },
  )
})
