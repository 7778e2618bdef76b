import type { StructCodec } from './interpreted-codec.ts'
import type { FieldPlan, StructPlan, TaggedFieldPlan, ValuePlan } from './struct-plan.ts'
import * as runtime from './wire-values.ts'

/**
 * Writes out the code that the plan describes, field after field, and compiles it: no loop over the table and no
 * lookup is left at run time. The source holds nothing but table names and constants, never data from outside.
 * Throws EvalError where code generation from strings is forbidden; `interpretCodec` does the same without it.
 */
export function compileCodec(plan: StructPlan): StructCodec {
  const source = new Source()
  const read = source.reader(plan)
  const write = source.writer(plan)
  const body = `'use strict'\n${source.functions.join('\n')}\nreturn { read: ${read}, write: ${write} }`
  // eslint-disable-next-line typescript/no-implied-eval -- the generator's whole point
  return new Function('runtime', 'plans', body)(runtime, source.plans) as StructCodec
}

/** Collects one reading and one writing function per struct, and the plans that they mention by number. */
class Source {
  readonly functions: string[] = []
  readonly plans: FieldPlan[] = []
  private names = 0

  /** Adds a function (reader) => struct and returns its name. */
  reader(plan: StructPlan): string {
    const name = `read${this.names++}`
    const lines: string[] = []
    for (const field of plan.plain) lines.push(...this.readField(field, local(plan, field), 'const '))
    for (const field of plan.absent) lines.push(`const ${local(plan, field)} = ${this.fallback(field)}`)
    if (plan.flexible) lines.push(...this.readTags(plan))
    const properties = plan.fields.map((field) => `${JSON.stringify(field.name)}: ${local(plan, field)}`)
    this.functions.push(`function ${name}(r) {\n${lines.join('\n')}\nreturn { ${properties.join(', ')} }\n}`)
    return name
  }

  /** Adds a function (writer, struct) => void and returns its name. */
  writer(plan: StructPlan): string {
    const name = `write${this.names++}`
    const lines: string[] = []
    for (const field of plan.absent) {
      const value = property(field)
      if (!field.ignorable) lines.push(`if (${value} !== undefined) runtime.checkAbsent(${this.plan(field)}, ${value})`)
    }
    for (const field of plan.plain) lines.push(...this.writeField(field, `f${this.names++}`))
    if (plan.flexible) lines.push(...this.writeTags(plan.tagged))
    this.functions.push(`function ${name}(w, v) {\n${lines.join('\n')}\n}`)
    return name
  }

  private readField(field: FieldPlan, target: string, declare: 'const ' | ''): string[] {
    const { value, nullable } = field
    if (value.kind === 'struct') {
      const read = `${this.reader(value.struct)}(r)`
      return [`${declare}${target} = ${nullable ? `r.readInt8() < 0 ? null : ${read}` : read}`]
    }
    if (value.kind !== 'array') return [`${declare}${target} = ${this.readScalar(value, nullable)}`]
    return this.readArray(field, value, target, declare)
  }

  private readArray(
    { path, nullable }: FieldPlan,
    { of, flexible }: Extract<ValuePlan, { kind: 'array' }>,
    target: string,
    declare: string,
  ): string[] {
    const id = this.names++
    const onNull = nullable ? 'null' : `runtime.unexpectedNull(r, ${JSON.stringify(path)})`
    return [
      `const n${id} = runtime.readCount(r, ${flexible}, ${of.bytesMin})`,
      `${declare}${target} = n${id} === -1 ? ${onNull} : new Array(n${id})`,
      `for (let i = 0; i < n${id}; i++) ${target}[i] = ${this.readElement(of, path)}`,
    ]
  }

  private readElement(of: ValuePlan, path: string): string {
    if (of.kind === 'struct') return `${this.reader(of.struct)}(r)`
    if (of.kind !== 'array') return this.readScalar(of, false)
    throw new TypeError(`${path}: arrays of arrays are not part of Kafka's protocol`)
  }

  private readScalar(value: ValuePlan, nullable: boolean): string {
    if (value.kind === 'array' || value.kind === 'struct') throw new TypeError('not a scalar')
    return `r.read${runtime.scalarMethod(value, nullable)}()`
  }

  private readTags(plan: StructPlan): string[] {
    if (plan.tagged.length === 0) return ['runtime.skipTaggedFields(r)']
    return [
      ...plan.tagged.map((field) => `let ${local(plan, field)} = ${this.fallback(field)}`),
      'for (let left = runtime.readTagCount(r); left > 0; left--) {',
      'const tag = r.readUnsignedVarint()',
      'const end = runtime.readTaggedEnd(r)',
      'switch (tag) {',
      ...plan.tagged.map((field) => {
        const read = this.readField(field, local(plan, field), '').join('\n')
        return `case ${field.tag}: {\n${read}\nruntime.checkTaggedEnd(r, end)\nbreak\n}`
      }),
      'default: r.position = end',
      '}\n}',
    ]
  }

  private writeField(field: FieldPlan, name: string): string[] {
    const { value, nullable, path } = field
    const lines = [`let ${name} = ${property(field)}`, `if (${name} === undefined) ${name} = ${this.fallback(field)}`]
    if (!nullable) lines.push(`if (${name} === null) runtime.refuseNull(${JSON.stringify(path)})`)
    switch (value.kind) {
      case 'struct': {
        const write = `${this.writer(value.struct)}(w, ${name})`
        lines.push(nullable ? `if (${name} === null) w.writeInt8(-1)\nelse { w.writeInt8(1); ${write} }` : write)
        break
      }
      case 'array': {
        const loop = `for (const item of ${name}) ${this.writeElement(value.of, path)}`
        lines.push(`runtime.writeCount(w, ${value.flexible}, ${name} === null ? -1 : ${name}.length)`)
        lines.push(nullable ? `if (${name} !== null) ${loop}` : loop)
        break
      }
      default: {
        lines.push(this.writeScalar(value, nullable, name))
      }
    }
    return lines
  }

  private writeElement(of: ValuePlan, path: string): string {
    if (of.kind === 'struct') return `${this.writer(of.struct)}(w, item)`
    if (of.kind !== 'array') return this.writeScalar(of, false, 'item')
    throw new TypeError(`${path}: arrays of arrays are not part of Kafka's protocol`)
  }

  private writeScalar(value: ValuePlan, nullable: boolean, name: string): string {
    if (value.kind === 'array' || value.kind === 'struct') throw new TypeError('not a scalar')
    if (value.kind === 'records') return `runtime.writeRecords(w, ${value.flexible}, ${name})`
    return `w.write${runtime.scalarMethod(value, nullable)}(${name})`
  }

  private writeTags(tagged: readonly TaggedFieldPlan[]): string[] {
    if (tagged.length === 0) return ['w.writeUnsignedVarint(0)']
    const present = tagged.map((field) => ({ field, flag: `p${this.names++}` }))
    return [
      ...present.map(
        ({ field, flag }) => `const ${flag} = !runtime.isFallback(${this.plan(field)}, ${property(field)})`,
      ),
      `w.writeUnsignedVarint(${present.map(({ flag }) => `(${flag} ? 1 : 0)`).join(' + ')})`,
      ...present.map(({ field, flag }) => {
        const write = this.writeField(field, `f${this.names++}`).join('\n')
        return `if (${flag}) runtime.writeTagged(w, ${field.tag}, (w) => {\n${write}\n})`
      }),
    ]
  }

  /** An expression for the field's fallback. */
  private fallback(field: FieldPlan): string {
    const { fallback } = field
    if (fallback === undefined && field.value.kind === 'array') return '[]'
    if (fallback === undefined || Buffer.isBuffer(fallback)) return `runtime.fallbackValue(${this.plan(field)})`
    return JSON.stringify(fallback)
  }

  private plan(field: FieldPlan): string {
    return `plans[${this.plans.push(field) - 1}]`
  }
}

/** The local variable for a field while its struct is read. */
function local(plan: StructPlan, field: FieldPlan): string {
  return `v${plan.fields.findIndex(({ name }) => name === field.name)}`
}

function property(field: FieldPlan): string {
  return `v[${JSON.stringify(field.name)}]`
}
