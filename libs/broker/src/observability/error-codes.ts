import type { AnyApi } from '@keyfold/protocol'

type Table = AnyApi['response']
type FieldType = Table[string]['type']

/** Where error codes are in an answer: in these fields, and further inside those. */
interface ErrorPlan {
  readonly codes: readonly string[]
  readonly structs: readonly (readonly [field: string, plan: ErrorPlan])[]
  readonly arrays: readonly (readonly [field: string, plan: ErrorPlan])[]
}

const plans = new Map<number, ErrorPlan>()

/** Calls `found` with every error code in an answer that is not 0. Where to look is read from the API's table, once. */
export function eachErrorCode(api: AnyApi, response: object, found: (code: number) => void): void {
  let plan = plans.get(api.key)
  if (plan === undefined) plans.set(api.key, (plan = planOf(api.response)))
  visit(plan, response, found)
}

function visit({ codes, structs, arrays }: ErrorPlan, values: object, found: (code: number) => void): void {
  const fields = values as Readonly<Record<string, unknown>>
  for (const name of codes) {
    const code = fields[name]
    if (typeof code === 'number' && code !== 0) found(code)
  }
  for (const [name, plan] of structs) {
    const value = fields[name]
    if (typeof value === 'object' && value !== null) visit(plan, value, found)
  }
  for (const [name, plan] of arrays) {
    const items = fields[name]
    if (Array.isArray(items)) for (const item of items as readonly object[]) visit(plan, item, found)
  }
}

function planOf(table: Table): ErrorPlan {
  const fields = Object.entries(table)
  const inner = (kind: 'struct' | 'array') =>
    fields.flatMap(([name, { type }]) => {
      const structTable = type.kind === kind ? structOf(type) : undefined
      const plan = structTable && planOf(structTable)
      return plan === undefined || isEmpty(plan) ? [] : [[name, plan] as const]
    })
  const codes = fields.flatMap(([name, { type }]) => (type.kind === 'int16' && isErrorCode.test(name) ? [name] : []))
  return { codes, structs: inner('struct'), arrays: inner('array') }
}

function structOf(type: FieldType): Table | undefined {
  const item = type.kind === 'array' ? type.of : type
  return item.kind === 'struct' ? item.fields : undefined
}

function isEmpty({ codes, structs, arrays }: ErrorPlan): boolean {
  return codes.length + structs.length + arrays.length === 0
}

const isErrorCode = /^errorCode$|ErrorCode$/
