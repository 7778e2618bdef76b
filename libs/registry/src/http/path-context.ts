import { registryError } from '../registry-error.ts'
import { contextPrefix, normalizedSubject, qualifiedBy } from '../state/qualified-subject.ts'
import type { RegistryState } from '../state/registry-state.ts'

/** A request target, taken apart: decoded segments of the path, and the query. */
export interface Target {
  readonly segments: readonly string[]
  readonly query: URLSearchParams
}

/** Takes a target apart. Slashes at the end count for nothing. Throws 404 for empty segments and broken encoding. */
export function parseTarget(target: string): Target {
  const [path = '', ...query] = target.split('?')
  const trimmed = trimmedPath(path)
  if (trimmed.split('/').includes('') && trimmed !== '') throw registryError('notFound')
  try {
    const segments = trimmed === '' ? [] : trimmed.split('/').map(decodeURIComponent)
    return { segments, query: new URLSearchParams(query.join('?')) }
  } catch {
    throw registryError('notFound')
  }
}

/** Without the slash at the beginning and those at the end. A pattern would take long for very many of them. */
function trimmedPath(path: string): string {
  let end = path.length
  while (end > 0 && path[end - 1] === '/') end--
  return path.slice(path.startsWith('/') ? 1 : 0, end)
}

/**
 * A path below `/contexts/{context}` means what it says after that, with the context before every subject that names
 * none. Throws 400 for a context that cannot be one.
 */
export function withinContext({ segments, query }: Target): Target {
  const [root, given, ...rest] = segments
  if (root !== 'contexts' || given === undefined) return { segments, query }
  const prefix = contextPrefix(contextName(given))
  const qualified = (subject: string) => (/^:[.*]/.test(subject) ? subject : prefix + subject)
  const [first] = rest
  if (first === undefined) return { segments: ['contexts', prefix === '' ? ':.:' : prefix], query }
  if ((first === 'config' || first === 'mode') && rest.length === 1) {
    return { segments: prefix === '' ? rest : [first, prefix], query }
  }
  const subjectAt = first === 'config' || first === 'mode' ? 1 : rest.indexOf('subjects') + 1
  const moved = rest.map((segment, index) => (index > 0 && index === subjectAt ? qualified(segment) : segment))
  const changed = new URLSearchParams(query)
  if (first === 'schemas' && rest[1] === 'ids') changed.set('subject', qualified(query.get('subject') ?? ''))
  else if (rest.length === 1) changed.set('subjectPrefix', qualified(query.get('subjectPrefix') ?? ''))
  return { segments: moved, query: changed }
}

/** Subjects in their stored spelling, and for an alias the subject that it stands for; settings keep the alias. */
export function withSubjects({ segments, query }: Target, state: RegistryState): Target {
  const changed = new URLSearchParams(query)
  const subject = query.get('subject')
  if (segments[0] === 'schemas' && segments[1] === 'ids' && subject) changed.set('subject', unaliased(subject, state))
  const subjectAt = segments.findIndex((segment, index) => segment === 'subjects' && index < 2) + 1
  const isSetting = segments[0] === 'config' || segments[0] === 'mode'
  return {
    query: changed,
    segments: segments.map((segment, index) => {
      if (isSetting && index === 1) return normalizedSubject(segment)
      return index > 0 && index === subjectAt ? unaliased(segment, state) : segment
    }),
  }
}

function unaliased(text: string, state: RegistryState): string {
  const subject = normalizedSubject(text)
  const { alias } = state.configs.get(subject === '' ? undefined : subject) ?? {}
  return alias && subject !== '' ? normalizedSubject(qualifiedBy(subject, alias)) : subject
}

function contextName(given: string): string {
  const name = given.replace(/^:/, '').replace(/:$/, '')
  if (name.includes(':')) throw registryError('badRequest', `Context name '${name}' cannot contain a colon`)
  return name.startsWith('.') ? name : `.${name}`
}
