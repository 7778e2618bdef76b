import type { PlainValue } from './plain-value.ts'

/** One place in which two states differ; a member that is not there is undefined. */
export interface PathDifference {
  /** Such as `balance` or `lines[2].sku`; empty for the state itself. */
  readonly path: string
  readonly before: PlainValue | undefined
  readonly after: PlainValue | undefined
}

/** Where two states differ, in order, at most `max` places; the number of the others is `omitted`. */
export function stateDifference(
  before: PlainValue,
  after: PlainValue,
  max: number,
): { readonly paths: readonly PathDifference[]; readonly omitted: number } {
  const paths: PathDifference[] = []
  let omitted = 0
  const visit = (path: string, left: PlainValue | undefined, right: PlainValue | undefined): void => {
    if (isTree(left) && isTree(right) && Array.isArray(left) === Array.isArray(right)) {
      for (const [step, name] of steps(left, right))
        visit(joined(path, step), memberOf(left, name), memberOf(right, name))
      return
    }
    // Bigints and dates are objects here: their text tells.
    if (left === right || JSON.stringify(left) === JSON.stringify(right)) return
    if (paths.length < max) paths.push({ path, before: clipped(left), after: clipped(right) })
    else omitted += 1
  }
  visit('', before, after)
  return { paths, omitted }
}

type Tree = readonly PlainValue[] | { readonly [member: string]: PlainValue }

function isTree(value: PlainValue | undefined): value is Tree {
  // A bigint or a date is one value, though JSON needs an object for it.
  return typeof value === 'object' && value !== null && !scalarForms.has(Object.keys(value)[0] ?? '')
}

const scalarForms: ReadonlySet<string> = new Set(['$bigint', '$date', '$bytes', '$number', '$cut'])

function steps(left: Tree, right: Tree): readonly (readonly [step: string, name: string])[] {
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])]
  return names.map((name) => [Array.isArray(left) ? `[${name}]` : name, name])
}

function memberOf(tree: Tree, name: string): PlainValue | undefined {
  return Object.hasOwn(tree, name) ? (tree as { readonly [member: string]: PlainValue })[name] : undefined
}

function joined(path: string, step: string): string {
  if (path === '' || step.startsWith('[')) return path + step
  return `${path}.${step}`
}

const textMax = 1_000

/** A value that nobody could read at once is shown by its beginning. */
function clipped(value: PlainValue | undefined): PlainValue | undefined {
  const text = value === undefined ? '' : JSON.stringify(value)
  return text.length <= textMax ? value : { $cut: `${text.slice(0, textMax)}…` }
}
