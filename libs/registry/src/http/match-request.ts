import type { RegistryState } from '../state/registry-state.ts'
import type { AnswerStyle } from './answer-style.ts'
import type { ApiCall } from './api-answer.ts'
import { parseTarget, withinContext, withSubjects } from './path-context.ts'
import { type ApiRequest, type Handler, matchRoute } from './route.ts'
import { ROUTES } from './routes.ts'

/** The handler for a request and what it needs to know. Throws 400, 404, 405. */
export function matchRequest(
  { method, target, body }: ApiCall,
  state: RegistryState,
  style: AnswerStyle,
): { readonly handler: Handler; readonly request: ApiRequest } {
  const { segments, query } = withSubjects(withinContext(parseTarget(target)), state)
  const { handler, params } = matchRoute(ROUTES, method, segments)
  return { handler, request: { params, query, body, style } }
}
