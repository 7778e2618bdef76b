import type { ByteSink } from '../binary/byte-sink.ts'
import type { Encode } from './encode-plan.ts'
import { inWords, Misfit, rethrowFrom } from './misfit.ts'
import { compiled, isPlainName } from './record-code.ts'

export interface RecordPlan {
  /** Full name of the record, for error texts. */
  readonly name: string
  readonly fields: readonly {
    readonly name: string
    readonly encode: Encode
    /** Writes the default of a field that is missing. */
    readonly fallback: ((sink: ByteSink) => void) | undefined
  }[]
}

/**
 * Makes the function that writes one kind of record: in code where the runtime allows it and names are plain, as
 * `recordDecoder` does, and field by field otherwise.
 */
export function recordEncoder(plan: RecordPlan): Encode {
  const isPlain = plan.fields.every(({ name }) => isPlainName(name) && !(name in Object.prototype))
  const writeFields = isPlain ? (written(plan) ?? stepped(plan)) : stepped(plan)
  const known = new Set(plan.fields.map(({ name }) => name))
  return (sink, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Misfit(`record ${plan.name}`, inWords(value))
    }
    const given = value as Record<string, unknown>
    const present = writeFields(sink, given)
    const names = Object.keys(given)
    if (names.length === present) return
    for (const name of names) if (!known.has(name)) refuseUnknown(plan, name, given[name])
  }
}

/** Writes all fields and tells how many of them the value has. */
type WriteFields = (sink: ByteSink, given: Record<string, unknown>) => number

function refuseUnknown({ name: record, fields }: RecordPlan, name: string, value: unknown): never {
  const hint = `${record} has the fields ${fields.map((field) => field.name).join(', ') || '(none)'}.`
  return rethrowFrom(new Misfit('no such field', inWords(value), hint), name)
}

function written({ fields }: RecordPlan): WriteFields | undefined {
  const steps = fields.map(({ name, fallback }, index) => {
    const write = `encode${index}(sink, value)`
    const missing = fallback ? `if (value === undefined) fallback${index}(sink); else` : 'if (value !== undefined)'
    const rest = fallback ? `{ present++; ${write} }` : `present++; ${write}`
    return `at = ${index}; value = given["${name}"]; ${missing} ${rest}`
  })
  const code = `return (sink, given) => {
    let at = 0, present = 0, value
    try { ${steps.join('\n')} } catch (error) { rethrow(error, at) }
    return present
  }`
  const names = fields.flatMap((_, index) => [`encode${index}`, `fallback${index}`])
  const rethrow = (error: unknown, at: number) => rethrowFrom(error, fields[at]?.name ?? '')
  const make = compiled(['rethrow', ...names], code)
  return make?.(rethrow, ...fields.flatMap(({ encode, fallback }) => [encode, fallback])) as WriteFields | undefined
}

function stepped({ fields }: RecordPlan): WriteFields {
  return (sink, given) => {
    let present = 0
    for (const { name, encode, fallback } of fields) {
      const isInherited = name in Object.prototype && !Object.hasOwn(given, name)
      const value = isInherited ? undefined : given[name]
      try {
        if (value === undefined && fallback) fallback(sink)
        else encode(sink, value)
      } catch (error) {
        rethrowFrom(error, name)
      }
      if (value !== undefined) present++
    }
    return present
  }
}
