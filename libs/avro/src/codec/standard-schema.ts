import { AvroError } from '../errors.ts'
import { type AvroType, avroType } from './avro-type.ts'

/** A schema as the Standard Schema specification (standardschema.dev, version 1) wants it. */
export interface AvroStandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: 'keyfold'
    readonly validate: (value: unknown) => ValidValue<Output> | InvalidValue
    readonly types?: { readonly input: Input; readonly output: Output }
  }
}

interface ValidValue<Output> {
  readonly value: Output
  readonly issues?: undefined
}

interface InvalidValue {
  readonly issues: readonly { readonly message: string; readonly path: readonly PropertyKey[] }[]
}

/**
 * Lets an Avro schema check values wherever a Standard Schema is taken: `standardSchema(MoneyDeposited.newest.schema)`. A
 * valid value comes back as readers of the event would get it, defaults filled in; of an invalid one the first misfit is
 * told.
 */
export function standardSchema<Input = unknown, Output = Input>(
  schema: AvroType | string | object,
): AvroStandardSchema<Input, Output> {
  const type = typeof schema === 'object' && 'readerOf' in schema ? schema : avroType(schema)
  return { '~standard': { version: 1, vendor: 'keyfold', validate: (value) => validated<Output>(type, value) } }
}

function validated<Output>(type: AvroType, value: unknown): ValidValue<Output> | InvalidValue {
  try {
    return { value: type.decode(type.encode(value)) as Output }
  } catch (error) {
    if (!(error instanceof AvroError)) throw error
    const { message, path = '', expected, got } = error
    const issue = expected === undefined ? message : `expected ${expected}, got ${got}`
    return { issues: [{ message: issue, path: steps(path) }] }
  }
}

/** `lines[2].sku` and `by["a.b"]` as steps. */
function steps(path: string): readonly PropertyKey[] {
  return Array.from(path.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[]+)/g), ([, index, quoted, name]) => {
    if (index !== undefined) return Number(index)
    return quoted === undefined ? (name ?? '') : (JSON.parse(quoted) as string)
  })
}
