import { avroType } from '../codec/avro-type.ts'
import { bestBranch } from '../compatibility/best-branch.ts'
import { canRead, checkCompatibility } from '../compatibility/compatibility.ts'
import { AvroError } from '../errors.ts'
import { printJson } from '../json/json-value.ts'
import { logicalTypeOf } from '../schema/logical-type.ts'
import { stepInto } from '../schema/readable-path.ts'
import {
  branchName,
  type EnumNode,
  type FieldNode,
  isNamed,
  type NamedNode,
  type SchemaNode,
} from '../schema/schema-node.ts'
import type { LocatedSchema } from '../source/schema-source.ts'
import { matchFields } from './field-matches.ts'
import type { Report } from './finding.ts'
import { branchPath, rootPath } from './schema-rules.ts'

/** What changed between two versions, and is dangerous though a registry may accept it. */
export function* evolutionReports(previous: LocatedSchema, next: LocatedSchema): Iterable<Report> {
  yield* codecReports(previous, next)
  yield* new Step(previous, next).types(previous.parsed.root, next.parsed.root, rootPath(next.parsed.root))
}

function* codecReports(previous: LocatedSchema, next: LocatedSchema): Iterable<Report> {
  if (!checkCompatibility(next.parsed, previous.parsed).compatible) return
  try {
    avroType(next.parsed).readerOf(avroType(previous.parsed))
  } catch (error) {
    if (!(error instanceof AvroError)) throw error
    const { message, fix } = error
    yield { rule: 'AVRO_CODEC_UNREADABLE', path: rootPath(next.parsed.root), message, fix, at: undefined }
  }
}

class Step {
  readonly #previous: LocatedSchema
  readonly #next: LocatedSchema
  /** Pairs that were compared: recursive types meet again. */
  readonly #seen = new Map<SchemaNode, Set<SchemaNode>>()

  constructor(previous: LocatedSchema, next: LocatedSchema) {
    this.#previous = previous
    this.#next = next
  }

  *types(old: SchemaNode, now: SchemaNode, path: string): Iterable<Report> {
    const compared = this.#seen.get(old) ?? new Set()
    if (compared.has(now)) return
    this.#seen.set(old, compared.add(now))
    if (old.kind === 'union' || now.kind === 'union') yield* this.#unions(old, now, path)
    else yield* this.#single(old, now, path)
  }

  *#unions(old: SchemaNode, now: SchemaNode, path: string): Iterable<Report> {
    const places = { at: this.#next.at(now), previousAt: this.#previous.at(old) }
    if (acceptsNull(old) && !acceptsNull(now)) {
      yield { rule: 'AVRO_NULLABLE_TO_REQUIRED', path, message: 'It could be null, and cannot be any more', ...places }
    }
    for (const branch of old.kind === 'union' ? old.branches : [old]) {
      if (branch.kind === 'null' || !canRead(now, branch)) continue
      if (now.kind !== 'union') {
        yield* this.types(branch, now, path)
        continue
      }
      const best = bestBranch(branch, now)
      const first = now.branches.find((candidate) => canRead(candidate, branch)) ?? best
      if (first !== best && !readAlready(old, first)) {
        const message = `${branchName(first)} was added before ${branchName(best)} and reads the same data`
        yield { rule: 'AVRO_UNION_BRANCH_SHADOWED', path, message, ...places }
      }
      yield* this.types(branch, best, branchPath(path, now, best))
    }
  }

  *#single(old: SchemaNode, now: SchemaNode, path: string): Iterable<Report> {
    const places = { at: this.#next.at(now), previousAt: this.#previous.at(old) }
    yield* this.#logicalTypes(old, now, path)
    const kinds = new Set([old.kind, now.kind])
    if (kinds.has('string') && kinds.has('bytes')) {
      yield { rule: 'AVRO_TEXT_BYTES_CHANGED', path, message: `It was ${old.kind} and is ${now.kind} now`, ...places }
    }
    if (isNamed(old) && isNamed(now) && old.kind === now.kind) yield* this.#names(old, now, path)
    if (old.kind === 'enum' && now.kind === 'enum') yield* this.#symbols(old, now, path)
    if (old.kind === 'array' && now.kind === 'array') yield* this.types(old.items, now.items, stepInto(path, '[]'))
    if (old.kind === 'map' && now.kind === 'map') yield* this.types(old.values, now.values, stepInto(path, '{}'))
    if (old.kind !== 'record' || now.kind !== 'record') return
    const { kept, added, renamed } = matchFields(old, now)
    for (const field of added) yield this.#addedField(field, renamed.get(field), stepInto(path, field.name))
    for (const [field, before] of renamed) {
      if (field.defaultValue !== undefined) yield this.#renamedField(field, before, stepInto(path, field.name))
    }
    for (const [field, before] of kept) yield* this.#keptField(before, field, stepInto(path, field.name))
  }

  *#logicalTypes(old: SchemaNode, now: SchemaNode, path: string): Iterable<Report> {
    const [before, after] = [logicalTypeOf(old), logicalTypeOf(now)]
    const places = { at: this.#next.at(now, 'logicalType'), previousAt: this.#previous.at(old, 'logicalType') }
    if (before?.name !== after?.name) {
      const message = `Its logical type was ${before?.name ?? 'none'} and is ${after?.name ?? 'none'} now`
      yield { rule: 'AVRO_LOGICAL_TYPE_CHANGED', path, message, ...places }
    }
    if (before?.name !== 'decimal' || after?.name !== 'decimal' || before.scale === after.scale) return
    yield {
      rule: 'AVRO_DECIMAL_SCALE_CHANGED',
      path,
      message: `Its scale was ${before.scale} and is ${after.scale} now`,
      at: this.#next.at(now, 'scale'),
      previousAt: this.#previous.at(old, 'scale'),
    }
  }

  *#names(old: NamedNode, now: NamedNode, path: string): Iterable<Report> {
    if (old.name.full === now.name.full || now.aliases.some(({ full }) => full === old.name.full)) return
    const rule = old.name.name === now.name.name ? 'AVRO_NAMESPACE_CHANGED' : 'AVRO_RECORD_RENAMED_WITHOUT_ALIAS'
    const message = `${old.name.full} is called ${now.name.full} now`
    const fix = `Keep the name, or add "aliases": ["${old.name.full}"].`
    yield { rule, path, message, fix, at: this.#next.at(now, 'name'), previousAt: this.#previous.at(old, 'name') }
  }

  *#symbols(old: EnumNode, now: EnumNode, path: string): Iterable<Report> {
    const gone = old.symbols.filter((symbol) => !now.symbols.includes(symbol))
    if (gone.length === 0) return
    const fate = now.defaultSymbol === undefined ? 'cannot be read any more' : `are read as ${now.defaultSymbol}`
    yield {
      rule: 'AVRO_ENUM_SYMBOL_REMOVED',
      path,
      message: `Values ${gone.join(', ')} ${fate}`,
      at: this.#next.at(now, 'symbols'),
      previousAt: this.#previous.at(old, 'symbols'),
    }
  }

  #addedField(field: FieldNode, renamed: FieldNode | undefined, path: string): Report {
    const alias = renamed ? `, or "aliases": ["${renamed.name}"] when it is the renamed field` : ''
    return {
      rule: 'AVRO_FIELD_ADDED_WITHOUT_DEFAULT',
      path,
      message: `The field ${field.name} is new and has no default`,
      fix: `Add "default": … to ${field.name}${alias}.`,
      at: this.#next.at(field),
    }
  }

  #renamedField(field: FieldNode, before: FieldNode, path: string): Report {
    return {
      rule: 'AVRO_FIELD_RENAMED_WITHOUT_ALIAS',
      path,
      message: `${field.name} looks like ${before.name} renamed: old values are lost, and it is always ${printJson(field.defaultValue ?? null)}`,
      fix: `Add "aliases": ["${before.name}"] to ${field.name}, or say why they have nothing in common.`,
      at: this.#next.at(field),
      previousAt: this.#previous.at(before),
    }
  }

  *#keptField(old: FieldNode, now: FieldNode, path: string): Iterable<Report> {
    const [before, after] = [old.defaultValue, now.defaultValue].map((json) => json !== undefined && printJson(json))
    if (before !== false && before !== after) {
      const message =
        after === false ? `Its default ${before} is gone` : `Its default was ${before} and is ${after} now`
      const places = { at: this.#next.at(now, 'default'), previousAt: this.#previous.at(old, 'default') }
      yield { rule: 'AVRO_DEFAULT_CHANGED', path, message, ...places }
    }
    yield* this.types(old.type, now.type, path)
  }
}

function acceptsNull(node: SchemaNode): boolean {
  return node.kind === 'union' ? node.branches.some(({ kind }) => kind === 'null') : node.kind === 'null'
}

/** Was the branch there before? Then nothing changed for those who take the first that fits. */
function readAlready(old: SchemaNode, branch: SchemaNode): boolean {
  return old.kind === 'union' && old.branches.some((other) => branchName(other) === branchName(branch))
}
