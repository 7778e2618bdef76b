/** The fewest items that have to be moved to get from one order to the other. Items of one list only are left out. */
export function movedItems<Item>(before: readonly Item[], after: readonly Item[]): ReadonlySet<Item> {
  const places = new Map(before.map((item, index) => [item, index]))
  const items = after.filter((item) => places.has(item))
  const order = items.map((item) => places.get(item) ?? 0)
  const stays = longestRise(order)
  return new Set(items.filter((_, index) => !stays.has(index)))
}

/** Positions of a longest rising subsequence. */
function longestRise(values: readonly number[]): ReadonlySet<number> {
  // `ends[length - 1]` is the position of the smallest value that ends a rise of that length.
  const ends: number[] = []
  const before = new Map<number, number | undefined>()
  for (const [position, value] of values.entries()) {
    let length = ends.length
    while (length > 0 && (values[ends[length - 1] ?? 0] ?? 0) >= value) length--
    before.set(position, ends[length - 1])
    ends[length] = position
  }
  const rise = new Set<number>()
  for (let position = ends.at(-1); position !== undefined; position = before.get(position)) rise.add(position)
  return rise
}
