/**
 * Subjects live in contexts: `:.ctx:name` is `name` in context `.ctx`, and `name` alone is in the default context `.`.
 * Ids count in each context by itself. The name may be empty: then the whole context is meant.
 */
export interface QualifiedSubject {
  /** Begins with a dot; `*` stands for all contexts. */
  readonly context: string
  readonly name: string
}

export const DEFAULT_CONTEXT = '.'
export const ALL_CONTEXTS = '*'
const GLOBAL_CONTEXT = '.__GLOBAL'
/** Settings under this name hold for all contexts that have none of their own. */
export const GLOBAL_SUBJECT = `:${GLOBAL_CONTEXT}:`

export function parseSubject(text: string): QualifiedSubject {
  if (text.startsWith(':*:')) return { context: ALL_CONTEXTS, name: text.slice(3) }
  if (!text.startsWith(':.')) return { context: DEFAULT_CONTEXT, name: text }
  const end = text.indexOf(':', 2)
  if (end < 0) return { context: text.slice(1), name: '' }
  return { context: text.slice(1, end), name: text.slice(end + 1) }
}

/** What comes before the name of a subject in this context; nothing in the default one. */
export function contextPrefix(context: string): string {
  return context === DEFAULT_CONTEXT ? '' : `:${context}:`
}

/** The one spelling of a subject that is stored: `:.:name` becomes `name`, and `:.ctx` becomes `:.ctx:`. */
export function normalizedSubject(text: string): string {
  const { context, name } = parseSubject(text)
  return contextPrefix(context) + name
}

export function contextOf(subject: string): string {
  return parseSubject(subject).context
}

/** A name without a context, such as one in a reference, means the context of whoever names it. */
export function qualifiedBy(parent: string, subject: string): string {
  const { context, name } = parseSubject(subject)
  return contextPrefix(context === DEFAULT_CONTEXT ? contextOf(parent) : context) + name
}

/** True for a prefix such as `:.ctx:` or nothing at all, which means every subject of the context. */
export function isWholeContext(subject: string): boolean {
  return parseSubject(subject).name === ''
}

/** True when the subject is the other one, or belongs to the context that the other one stands for. */
export function isWithin(subject: string, other: string | undefined): boolean {
  if (other === undefined) return contextOf(subject) === DEFAULT_CONTEXT
  const { context, name } = parseSubject(other)
  if (name !== '') return subject === other
  return context === GLOBAL_CONTEXT || contextOf(subject) === context
}

/** True when the subject begins with the prefix; `:*:` before it looks into all contexts. */
export function hasPrefix(subject: string, prefix: string): boolean {
  const wanted = parseSubject(prefix)
  const { context, name } = parseSubject(subject)
  return (wanted.context === ALL_CONTEXTS || wanted.context === context) && name.startsWith(wanted.name)
}
