import { type LogRecord, parseObject } from './schema-record.ts'

/** One kind of setting, by subject; `undefined` is for all subjects. */
export class Settings<Value extends string> {
  readonly #member: string
  readonly #values: readonly Value[]
  readonly #settings = new Map<string | undefined, Value>()
  readonly #rawKeys = new Map<string | undefined, readonly Buffer[]>()

  /** `member` holds the value in a record, and `values` are those that are known. */
  constructor(member: string, values: readonly Value[]) {
    this.#member = member
    this.#values = values
  }

  apply(subject: string | undefined, { key, value }: LogRecord): void {
    const others = this.rawKeys(subject).filter((other) => !other.equals(key))
    const given = value && parseObject(value)?.[this.#member]
    const known = this.#values.find((candidate) => candidate === given)
    if (known === undefined) {
      this.#settings.delete(subject)
      this.#rawKeys.set(subject, others)
    } else {
      this.#settings.set(subject, known)
      this.#rawKeys.set(subject, [...others, key])
    }
  }

  get(subject: string | undefined): Value | undefined {
    return this.#settings.get(subject)
  }

  /** The bytes of every key under which the setting still is in the log. */
  rawKeys(subject: string | undefined): readonly Buffer[] {
    return this.#rawKeys.get(subject) ?? []
  }
}
