import { type LogRecord, parseObject } from './schema-record.ts'

/** One kind of setting, by subject or context; `undefined` is for the whole default context. */
export class Settings<Value> {
  readonly #parse: (members: Readonly<Record<string, unknown>>) => Value | undefined
  readonly #settings = new Map<string | undefined, Value>()
  readonly #rawKeys = new Map<string | undefined, readonly Buffer[]>()

  /** `parse` reads the members of a record; what it cannot read counts as not set. */
  constructor(parse: (members: Readonly<Record<string, unknown>>) => Value | undefined) {
    this.#parse = parse
  }

  apply(subject: string | undefined, { key, value }: LogRecord): void {
    const others = this.rawKeys(subject).filter((other) => !other.equals(key))
    const members = value && parseObject(value)
    const setting = members ? this.#parse(members) : undefined
    if (setting === undefined) {
      this.#settings.delete(subject)
      if (others.length > 0) this.#rawKeys.set(subject, others)
      else this.#rawKeys.delete(subject)
    } else {
      this.#settings.set(subject, setting)
      this.#rawKeys.set(subject, [...others, key])
    }
  }

  get(subject: string | undefined): Value | undefined {
    return this.#settings.get(subject)
  }

  /** Everything that has a setting of its own. */
  subjects(): readonly (string | undefined)[] {
    return [...this.#settings.keys()]
  }

  /** The bytes of every key under which the setting still is in the log. */
  rawKeys(subject: string | undefined): readonly Buffer[] {
    return this.#rawKeys.get(subject) ?? []
  }
}
