import { canRead, namesMatch, writerFieldFor } from '../compatibility/compatibility.ts'
import {
  branchName,
  type EnumNode,
  isNamed,
  type RecordNode,
  type SchemaNode,
  type UnionNode,
} from '../schema/schema-node.ts'
import { type ByteCodec, rawFieldName, rawSymbol } from './byte-codec.ts'
import { valueOfDefault } from './default-value.ts'
import { logicalValueOf } from './logical-values.ts'
import { unionShape } from './union-shape.ts'

/** Turns what the byte codec of the writer read into the value that the reader's schema describes. */
export type Lift = (raw: unknown) => unknown

/**
 * Avro's schema resolution, planned once and run for every record: fields by name or alias, defaults for what the writer
 * did not have, promotions, and of a reader's union the branch that suits best, not the first one that would do.
 * The pair must be compatible. `codec` is the writer's.
 */
export function liftFor(writer: SchemaNode, reader: SchemaNode, codec: ByteCodec): Lift {
  return new LiftPlan(codec).lift(writer, reader)
}

class LiftPlan {
  readonly #codec: ByteCodec
  readonly #known = new Map<SchemaNode, Map<SchemaNode, Lift>>()

  constructor(codec: ByteCodec) {
    this.#codec = codec
  }

  lift(writer: SchemaNode, reader: SchemaNode): Lift {
    let known = this.#known.get(writer)
    if (!known) this.#known.set(writer, (known = new Map<SchemaNode, Lift>()))
    const done = known.get(reader)
    if (done) return done
    // Recursive types meet themselves before they are finished.
    known.set(reader, (raw) => made(raw))
    const made = this.#plan(writer, reader)
    known.set(reader, made)
    return made
  }

  #plan(writer: SchemaNode, reader: SchemaNode): Lift {
    if (writer.kind === 'union') return this.#liftWriterUnion(writer, reader)
    if (reader.kind === 'union') return this.#liftIntoUnion(writer, reader)
    const stored = this.#liftStored(writer, reader)
    const logical = logicalValueOf(reader)
    if (!logical) return stored
    return stored === unchanged ? (raw) => logical.toValue(raw) : (raw) => logical.toValue(stored(raw))
  }

  #liftStored(writer: SchemaNode, reader: SchemaNode): Lift {
    if (writer.kind === 'record' && reader.kind === 'record') return this.#liftRecord(writer, reader)
    if (writer.kind === 'enum' && reader.kind === 'enum') return liftEnum(writer, reader)
    if (writer.kind === 'array' && reader.kind === 'array') {
      const item = this.lift(writer.items, reader.items)
      return item === unchanged ? unchanged : (raw) => (raw as readonly unknown[]).map(item)
    }
    if (writer.kind === 'map' && reader.kind === 'map') return liftMap(this.lift(writer.values, reader.values))
    if (writer.kind === reader.kind) return unchanged
    return promotion(writer.kind, reader.kind)
  }

  #liftWriterUnion(writer: UnionNode, reader: SchemaNode): Lift {
    const lifts = new Map(
      writer.branches.map((branch) => [this.#codec.rawBranchName(branch), this.lift(branch, reader)]),
    )
    const liftNull = lifts.get('null')
    return (raw) => {
      if (raw === null) return liftNull?.(raw)
      const wrapped = raw as Record<string, unknown>
      for (const name in wrapped) return lifts.get(name)?.(wrapped[name])
      return undefined
    }
  }

  #liftIntoUnion(writer: SchemaNode, reader: UnionNode): Lift {
    const branch = bestBranch(writer, reader)
    const lift = this.lift(writer, branch)
    if (branch.kind === 'null' || unionShape(reader) === 'plain') return lift
    const name = branchName(branch)
    return (raw) => ({ [name]: lift(raw) })
  }

  #liftRecord(writer: RecordNode, reader: RecordNode): Lift {
    const plan = reader.fields.map((field) => {
      const written = writerFieldFor(writer, field)
      if (!written) return { name: field.name, raw: undefined, lift: defaultOf(field.type, field.defaultValue ?? null) }
      return { name: field.name, raw: rawFieldName(written.position), lift: this.lift(written.type, field.type) }
    })
    const memberOf = (source: Record<string, unknown>, { raw, lift }: (typeof plan)[number]) =>
      lift(raw === undefined ? undefined : source[raw])
    if (plan.some(({ name }) => name === '__proto__')) {
      // Assigning to such a member would set the prototype.
      return (raw) =>
        Object.fromEntries(plan.map((field) => [field.name, memberOf(raw as Record<string, unknown>, field)]))
    }
    return (raw) => {
      const value: Record<string, unknown> = {}
      for (const field of plan) value[field.name] = memberOf(raw as Record<string, unknown>, field)
      return value
    }
  }
}

const unchanged: Lift = (raw) => raw

function defaultOf(type: SchemaNode, json: Parameters<typeof valueOfDefault>[1]): Lift {
  const value = valueOfDefault(type, json)
  // Lists, bytes, dates and records are made anew for every reader, who may change them.
  return typeof value === 'object' && value !== null ? () => valueOfDefault(type, json) : () => value
}

function liftEnum(writer: EnumNode, reader: EnumNode): Lift {
  const symbols = new Map(
    writer.symbols.map((symbol, index) => [
      rawSymbol(index),
      reader.symbols.includes(symbol) ? symbol : reader.defaultSymbol,
    ]),
  )
  return (raw) => symbols.get(raw as string)
}

function liftMap(lift: Lift): Lift {
  return (raw) => Object.fromEntries(Object.entries(raw as object).map(([key, value]) => [key, lift(value)]))
}

function promotion(from: SchemaNode['kind'], to: SchemaNode['kind']): Lift {
  if (to === 'long') return (raw) => BigInt(raw as number)
  if (from === 'long') return to === 'float' ? (raw) => Math.fround(Number(raw)) : (raw) => Number(raw)
  if (to === 'float') return (raw) => Math.fround(raw as number)
  if (to === 'string') return (raw) => (raw as Buffer).toString('utf8')
  if (to === 'bytes') return (raw) => Buffer.from(raw as string, 'utf8')
  return unchanged
}

/** As Avro Java chooses: the same type by its full name, then by its name, then whatever the writer can become. */
function bestBranch(writer: SchemaNode, reader: UnionNode): SchemaNode {
  const readable = reader.branches.filter((branch) => canRead(branch, writer))
  const same = readable.filter(({ kind }) => kind === writer.kind)
  const exact = same.find((branch) => branchName(branch) === branchName(writer))
  const named = same.find((branch) => isNamed(branch) && isNamed(writer) && namesMatch(branch, writer))
  const found = exact ?? named ?? readable[0]
  if (!found) throw new Error(`No branch of the reader's union reads ${branchName(writer)}`)
  return found
}
