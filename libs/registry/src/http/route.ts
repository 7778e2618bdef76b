import { registryError } from '../registry-error.ts'
import type { SchemaRegistry } from '../schema-registry.ts'
import type { AnswerStyle } from './answer-style.ts'

/** What a handler gets: the placeholders of its path, the query and the JSON body, undefined when there is none. */
export interface ApiRequest {
  /** Subjects are in the one spelling that is stored. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: unknown
  readonly style: AnswerStyle
}

/** Answers with what becomes the JSON body; a `RawText` is sent as it is, and undefined is no body at all. */
export type Handler = (request: ApiRequest, registry: SchemaRegistry) => unknown

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Segments of the path; those with a colon are placeholders. */
  readonly segments: readonly string[]
  readonly handler: Handler
}

/** One line of the route table. */
export function route(method: Route['method'], path: string, handler: Handler): Route {
  return { method, segments: path.split('/').filter((segment) => segment !== ''), handler }
}

/** The text of a schema, answered without quotes around it. */
export class RawText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** The answer to OPTIONS. */
export class AllowedMethods {
  readonly methods: readonly string[]

  constructor(methods: readonly string[]) {
    this.methods = methods
  }
}

/** Finds the route for the decoded segments of a path. A placeholder may hold anything. Throws 404, 405. */
export function matchRoute(
  routes: readonly Route[],
  method: string,
  segments: readonly string[],
): { readonly handler: Handler; readonly params: Readonly<Record<string, string>> } {
  const samePath = routes.filter((candidate) => fits(candidate.segments, segments))
  if (samePath.length === 0) throw registryError('notFound')
  if (method === 'OPTIONS') return { handler: () => new AllowedMethods(allowed(samePath)), params: {} }
  const found = samePath.find((candidate) => candidate.method === (method === 'HEAD' ? 'GET' : method))
  if (!found) throw registryError('methodNotAllowed')
  const places = found.segments.map((name, index) => [name.slice(1), segments[index] ?? ''] as const)
  return {
    handler: found.handler,
    params: Object.fromEntries(places.filter((_, index) => isPlaceholder(found, index))),
  }
}

function allowed(routes: readonly Route[]): readonly string[] {
  const methods = routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return [...new Set(methods), 'OPTIONS']
}

function isPlaceholder({ segments }: Route, index: number): boolean {
  return segments[index]?.startsWith(':') ?? false
}

function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((segment, index) => segment.startsWith(':') || segment === segments[index])
  )
}
