import { type CompatibilityAnswer, prepareTest, testCompatibility } from '../decisions/compatibility.ts'
import { candidateOf } from '../decisions/schema-request.ts'
import { findVersion, parseVersionId } from '../decisions/subject-rules.ts'
import { RegistryError, registryError } from '../registry-error.ts'
import type { RegistryState } from '../state/registry-state.ts'
import type { StoredSchema } from '../state/stored-schema.ts'
import { nextTurn } from './next-turn.ts'
import { flag, param, schemaRequest } from './parameters.ts'
import { type ApiRequest, type Handler, type Route, route } from './route.ts'

/** Against the whole live history, as far back as the subject's level looks. */
const testAgainstHistory: Handler = (request, { state }) =>
  answer(request, state, () => state.liveVersionsOf(param(request, 'subject')))

/** Against this version only, whatever the level. */
const testAgainstVersion: Handler = (request, { state }) => {
  const id = parseVersionId(param(request, 'version'))
  return answer(request, state, () => historyOf(state, param(request, 'subject'), id))
}

function historyOf(
  state: RegistryState,
  subject: string,
  id: ReturnType<typeof parseVersionId>,
): readonly StoredSchema[] {
  if (state.liveVersionsOf(subject).length > 0) return [findVersion(state, subject, id, false)]
  // A subject that is not there yet has no latest version to be at odds with.
  if (id === 'latest') return []
  throw registryError('versionNotFound', id)
}

async function answer(
  request: ApiRequest,
  state: RegistryState,
  history: () => readonly StoredSchema[],
): Promise<object> {
  const wanted = schemaRequest(request)
  const subject = param(request, 'subject')
  const isVerbose = flag(request, 'verbose')
  const versions = history()
  const config = state.config(subject)
  const rules = { isNew: config.validateNewSchemas !== false, normalize: wanted.normalize || config.normalize === true }
  try {
    const candidate = candidateOf(state, subject, wanted, rules)
    const test = { config, candidate, history: versions }
    await prepareTest(state, test, nextTurn)
    return shown(testCompatibility(state, test), isVerbose)
  } catch (error) {
    if (!isVerbose || !(error instanceof RegistryError)) throw error
    return shown({ isCompatible: false, messages: [error.message] }, isVerbose)
  }
}

function shown({ isCompatible, messages }: CompatibilityAnswer, isVerbose: boolean): object {
  return { is_compatible: isCompatible, ...(isVerbose ? { messages } : {}) }
}

export const COMPATIBILITY_ROUTES: readonly Route[] = [
  route('POST', '/compatibility/subjects/:subject/versions', testAgainstHistory),
  route('POST', '/compatibility/subjects/:subject/versions/:version', testAgainstVersion),
]
