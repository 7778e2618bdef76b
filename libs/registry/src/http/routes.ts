import { COMPATIBILITY_ROUTES } from './compatibility-routes.ts'
import { type Handler, type Route, route } from './route.ts'
import { SCHEMA_ROUTES } from './schema-routes.ts'
import { SETTING_ROUTES } from './setting-routes.ts'
import { SUBJECT_ROUTES } from './subject-routes.ts'

const getRoot: Handler = () => ({})

const getClusterId: Handler = () => ({
  id: '',
  scope: { path: [], clusters: { 'kafka-cluster': 'keyfold', 'schema-registry-cluster': 'schema-registry' } },
})

const getServerVersion: Handler = () => ({ version: VERSION, commitId: '' })

/** All packages of the workspace carry one version. */
const VERSION = '0.1.0'

/** The whole REST API: one line for each method and path, in Confluent's terms. */
export const ROUTES: readonly Route[] = [
  route('GET', '/', getRoot),
  route('POST', '/', getRoot),
  route('GET', '/v1/metadata/id', getClusterId),
  route('GET', '/v1/metadata/version', getServerVersion),
  ...SUBJECT_ROUTES,
  ...SCHEMA_ROUTES,
  ...COMPATIBILITY_ROUTES,
  ...SETTING_ROUTES,
]
