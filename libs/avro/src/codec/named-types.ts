import type { EnumNode, FixedNode } from '../schema/schema-node.ts'
import { EnumType, FixedType, LogicalType, nodeOf, type Tap, type WireResolver, type WireType } from './avsc-types.ts'
import type { LogicalValue } from './logical-values.ts'
import { refuse } from './misfit.ts'
import { asBuffer } from './primitive-types.ts'

/** avsc gets symbols made here: its rules for them are narrower than Avro Java's when names are not checked. */
export function enumType(node: EnumNode, name: string, options: object): WireType {
  const indexes = new Map<unknown, number>(node.symbols.map((symbol, index) => [symbol, index]))
  const expected = `one of ${node.symbols.join(', ')}`
  class SymbolEnum extends EnumType {
    override _read(tap: Tap): string {
      return symbolAt(node.symbols, tap)
    }

    override _write(tap: Tap, value: unknown): void {
      tap.writeLong(indexes.get(value) ?? refuse(expected, value))
    }

    override _update(resolver: WireResolver, writer: WireType): void {
      const written = nodeOf(writer)
      if (written.kind !== 'enum') return
      const symbols = written.symbols.map((symbol) => (node.symbols.includes(symbol) ? symbol : node.defaultSymbol))
      resolver._read = (tap) => symbolAt(symbols, tap)
    }
  }
  return new SymbolEnum({ type: 'enum', name, symbols: node.symbols.map((_, index) => `S${index}`) }, options)
}

function symbolAt(symbols: readonly (string | undefined)[], tap: Tap): string {
  const symbol = symbols[tap.readLong()]
  if (symbol === undefined) throw new RangeError('an enum has no symbol of that number')
  return symbol
}

export function fixedType(node: FixedNode, name: string, options: object): WireType {
  const expected = `Uint8Array of ${node.size} bytes`
  class SizedFixed extends FixedType {
    override _write(tap: Tap, value: unknown): void {
      if (!(value instanceof Uint8Array) || value.length !== node.size) refuse(expected, value)
      tap.writeFixed(asBuffer(value))
    }

    /** Names were compared before, by rules that are not avsc's. */
    override _update(resolver: WireResolver, writer: WireType): void {
      if (writer.typeName !== 'fixed') return
      resolver.size = node.size
      resolver._read = (tap) => this._read(tap)
    }
  }
  return new SizedFixed({ type: 'fixed', name, size: node.size }, options)
}

/** What a logical type stands for in place of what is stored. */
export class LogicalOf extends LogicalType {
  readonly #logical: LogicalValue

  constructor(underlying: WireType, logical: LogicalValue) {
    super(underlying)
    this.#logical = logical
  }

  override _fromValue(stored: unknown): unknown {
    return this.#logical.toValue(stored)
  }

  override _toValue(value: unknown): unknown {
    return this.#logical.toStored(value)
  }

  /** Whatever the writer called its numbers, they are the reader's. */
  override _update(resolver: WireResolver, writer: WireType, options: object): void {
    const stored = this.underlyingType.createResolver(writer, options)
    resolver._read = (tap) => this._fromValue(stored._read(tap))
  }
}
