import { deleteLevel, deleteMode, setLevel, setMode } from '../decisions/settings.ts'
import { registryError } from '../registry-error.ts'
import { flag, member } from './parameters.ts'
import { type Handler, type Route, route } from './route.ts'

/** The level is called `compatibilityLevel` in answers and `compatibility` in requests; all clients rely on it. */
const getLevel: Handler = (request, { state }) => {
  const { subject } = request.params
  const level =
    subject === undefined || flag(request, 'defaultToGlobal') ? state.level(subject) : state.ownLevel(subject)
  if (level === undefined) throw registryError('noSubjectLevel', subject ?? '')
  return { compatibilityLevel: level }
}

const putLevel: Handler = async (request, registry) => {
  const text = member(request, 'compatibility')
  return { compatibility: await registry.change((state) => setLevel(state, request.params.subject, text)) }
}

const removeLevel: Handler = async ({ params }, registry) => ({
  compatibilityLevel: await registry.change((state) => deleteLevel(state, params.subject)),
})

const getMode: Handler = (request, { state }) => {
  const { subject } = request.params
  const mode = subject === undefined || flag(request, 'defaultToGlobal') ? state.mode(subject) : state.ownMode(subject)
  if (mode === undefined) throw registryError('noSubjectMode', subject ?? '')
  return { mode }
}

const putMode: Handler = async (request, registry) => {
  const text = member(request, 'mode')
  return { mode: await registry.change((state) => setMode(state, request.params.subject, text)) }
}

const removeMode: Handler = async ({ params }, registry) => ({
  mode: await registry.change((state) => deleteMode(state, params.subject)),
})

export const SETTING_ROUTES: readonly Route[] = [
  route('GET', '/config', getLevel),
  route('PUT', '/config', putLevel),
  route('DELETE', '/config', removeLevel),
  route('GET', '/config/:subject', getLevel),
  route('PUT', '/config/:subject', putLevel),
  route('DELETE', '/config/:subject', removeLevel),
  route('GET', '/mode', getMode),
  route('PUT', '/mode', putMode),
  route('DELETE', '/mode', removeMode),
  route('GET', '/mode/:subject', getMode),
  route('PUT', '/mode/:subject', putMode),
  route('DELETE', '/mode/:subject', removeMode),
]
