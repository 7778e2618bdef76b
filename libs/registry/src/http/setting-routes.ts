import { deleteConfig, ownConfig, setConfig } from '../decisions/config.ts'
import { deleteMode, ownMode, setMode } from '../decisions/mode.ts'
import { registryError } from '../registry-error.ts'
import type { SubjectConfig } from '../state/subject-config.ts'
import { bodyMembers, flag, settingSubject } from './parameters.ts'
import { type Handler, type Route, route } from './route.ts'

/** The level is called `compatibilityLevel` in answers and `compatibility` in requests; all clients rely on it. */
const getConfig: Handler = (request, { state }) => {
  const subject = settingSubject(request)
  const config = flag(request, 'defaultToGlobal') ? state.config(subject) : ownConfig(state, subject)
  if (config === undefined) throw registryError('noSubjectLevel', subject ?? '')
  return config
}

/** Answers as it was asked, with everything that is set by now. */
const putConfig: Handler = async (request, registry) => {
  const { compatibility, compatibilityLevel: _, ...others } = bodyMembers(request)
  const change = { ...others, compatibilityLevel: compatibility }
  const config = await registry.change((state) => setConfig(state, settingSubject(request), change))
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [requestName(name), value]))
}

function requestName(name: string): string {
  const level: keyof SubjectConfig = 'compatibilityLevel'
  return name === level ? 'compatibility' : name
}

const removeConfig: Handler = (request, registry) =>
  registry.change((state) => deleteConfig(state, settingSubject(request)))

const getMode: Handler = (request, { state }) => {
  const subject = settingSubject(request)
  const mode = flag(request, 'defaultToGlobal') ? state.mode(subject) : ownMode(state, subject)
  if (mode === undefined) throw registryError('noSubjectMode', subject ?? '')
  return { mode }
}

const putMode: Handler = async (request, registry) => {
  const { mode } = bodyMembers(request)
  await registry.change((state) => setMode(state, settingSubject(request), mode, flag(request, 'force')))
  return mode === null ? {} : { mode }
}

const removeMode: Handler = async (request, registry) => {
  const subject = settingSubject(request)
  const mode = await registry.change((state) => deleteMode(state, subject, flag(request, 'recursive')))
  return mode === undefined ? {} : { mode }
}

export const SETTING_ROUTES: readonly Route[] = [
  route('GET', '/config', getConfig),
  route('PUT', '/config', putConfig),
  route('DELETE', '/config', removeConfig),
  route('GET', '/config/:subject', getConfig),
  route('PUT', '/config/:subject', putConfig),
  route('DELETE', '/config/:subject', removeConfig),
  route('GET', '/mode', getMode),
  route('PUT', '/mode', putMode),
  route('DELETE', '/mode', removeMode),
  route('GET', '/mode/:subject', getMode),
  route('PUT', '/mode/:subject', putMode),
  route('DELETE', '/mode/:subject', removeMode),
]
