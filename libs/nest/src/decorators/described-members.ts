/**
 * What the method decorators of one class have collected, by prototype. A WeakMap instead of Reflect metadata, so that a
 * subclass does not inherit its parent's rows by accident and nothing is left on the user's classes.
 */
export class DescribedMembers<Row> {
  readonly #rows = new WeakMap<object, Row[]>()

  add(prototype: object, row: Row): void {
    const rows = this.#rows.get(prototype)
    if (rows === undefined) this.#rows.set(prototype, [row])
    else rows.push(row)
  }

  of(prototype: object): readonly Row[] {
    return this.#rows.get(prototype) ?? []
  }
}
