import { registryError } from '../registry-error.ts'
import type { SchemaRegistry } from '../schema-registry.ts'

/** What a handler gets: the placeholders of its path, the query and the JSON body, undefined when there is none. */
export interface ApiRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: unknown
}

/** Answers with what becomes the JSON body; a `RawText` is sent as it is. */
export type Handler = (request: ApiRequest, registry: SchemaRegistry) => unknown

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Segments of the path; those with a colon are placeholders. */
  readonly segments: readonly string[]
  readonly handler: Handler
}

/** One line of the route table. */
export function route(method: Route['method'], path: string, handler: Handler): Route {
  return { method, segments: segmentsOf(path), handler }
}

/** The text of a schema, answered without quotes around it. */
export class RawText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/**
 * Finds the route for a request target such as `/subjects/a%2Fb/versions/?deleted=true`. A slash at the end counts for
 * nothing, and a placeholder may hold any character, percent-encoded. Throws 404, 405.
 */
export function matchRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): { readonly handler: Handler; readonly params: Readonly<Record<string, string>> } {
  const segments = decoded(segmentsOf(path))
  const samePath = routes.filter((candidate) => fits(candidate.segments, segments))
  if (samePath.length === 0) throw registryError('notFound')
  const found = samePath.find((candidate) => candidate.method === (method === 'HEAD' ? 'GET' : method))
  if (!found) throw registryError('methodNotAllowed')
  const params: Record<string, string> = {}
  for (const [index, name] of found.segments.entries()) {
    if (name.startsWith(':')) params[name.slice(1)] = segments[index] ?? ''
  }
  return { handler: found.handler, params }
}

function segmentsOf(path: string): readonly string[] {
  return path.split('/').filter((segment) => segment !== '')
}

function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((segment, index) => segment.startsWith(':') || segment === segments[index])
  )
}

function decoded(segments: readonly string[]): readonly string[] {
  try {
    return segments.map(decodeURIComponent)
  } catch {
    throw registryError('notFound')
  }
}
