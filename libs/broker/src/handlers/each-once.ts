/** Something that a request names. */
export interface Named<Item> {
  readonly item: Item
  /** The request names it again. */
  readonly isTwice: boolean
}

/** What a request names, each key once, in the order in which it comes up first. */
export function eachOnce<Item>(items: readonly Item[], keyOf: (item: Item) => string | number): Named<Item>[] {
  const named = new Map<string | number, Named<Item>>()
  for (const item of items) {
    const key = keyOf(item)
    named.set(key, { item, isTwice: named.has(key) })
  }
  return [...named.values()]
}
