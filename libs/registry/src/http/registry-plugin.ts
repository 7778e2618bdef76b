import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { RegistryError, registryError } from '../registry-error.ts'
import type { SchemaRegistry } from '../schema-registry.ts'
import { matchRoute, RawText } from './route.ts'
import { ROUTES } from './routes.ts'

export interface RegistryPluginOptions {
  /** Requests wait for one that is still being opened. */
  readonly registry: SchemaRegistry | Promise<SchemaRegistry>
}

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json'
const BODY_TYPES = [
  CONTENT_TYPE,
  'application/vnd.schemaregistry+json',
  'application/json',
  'application/octet-stream',
] as const
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const
const BODY_BYTES_MAX = 1024 * 1024

/**
 * The registry's REST API as a Fastify plugin; `register(registryPlugin, { registry, prefix })` mounts it into any
 * Fastify server, also below a path. It finds routes in its own table, by the undecoded path, so that subjects may hold
 * slashes and be as long as they like, and every answer, of whatever error, has the two members that clients read.
 */
export function registryPlugin(fastify: FastifyInstance, { registry }: RegistryPluginOptions, done: () => void): void {
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser([...BODY_TYPES], { parseAs: 'string', bodyLimit: BODY_BYTES_MAX }, (_, body, parsed) => {
    try {
      parsed(null, parseBody(String(body)))
    } catch (error) {
      parsed(error as Error)
    }
  })
  fastify.setErrorHandler((error: FastifyError, _, reply) => sendError(reply, error))
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    const [path = '', query = ''] = request.raw.url?.slice(fastify.prefix.length).split('?', 2) ?? []
    const { handler, params } = matchRoute(ROUTES, request.method, path)
    const body = await handler({ params, query: new URLSearchParams(query), body: request.body }, await registry)
    return send(reply, 200, body)
  }
  for (const url of ['/', '/*']) fastify.route({ method: [...METHODS], url, exposeHeadRoute: false, handler: answer })
  done()
}

function parseBody(text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    throw registryError('badRequest', `The body is not valid JSON: ${(error as Error).message}`)
  }
}

function send(reply: FastifyReply, status: number, body: unknown): FastifyReply {
  const text = body instanceof RawText ? body.text : JSON.stringify(body)
  // Bytes, because to a text Fastify would add a charset, which no registry names.
  return reply.code(status).header('content-type', CONTENT_TYPE).send(Buffer.from(text))
}

/** Every error, of whatever origin, in the form of the API. */
export function sendError(reply: FastifyReply, error: FastifyError | RegistryError): FastifyReply {
  const known = error instanceof RegistryError ? error : fromFastify(error)
  if (known.httpStatus >= 500) reply.log.error({ err: error }, known.message)
  return send(reply, known.httpStatus, { error_code: known.code, message: known.message })
}

/** Fastify's own refusals, in the words of the API. */
function fromFastify(error: FastifyError): RegistryError {
  if (error.statusCode === 413) return registryError('bodyTooLarge')
  if (error.statusCode === 415) return registryError('unsupportedMediaType')
  return error.statusCode === 400 ? registryError('badRequest', error.message) : registryError('internal')
}
