import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { RegistryError, registryError } from '../registry-error.ts'
import type { ApiAnswer } from './api-answer.ts'
import { RegistryApi, type RegistryApiOptions } from './registry-api.ts'
import { BODY_BYTES_MAX, BODY_TYPES, parseBody } from './request-body.ts'

export type RegistryPluginOptions = RegistryApiOptions

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const

/**
 * The registry's REST API as a Fastify plugin; `register(registryPlugin, { registry, prefix })` mounts it into any
 * Fastify server, also below a path. It finds routes in its own table, by the undecoded path, so that subjects may hold
 * slashes and be as long as they like, and every answer, of whatever error, has the two members that clients read.
 */
export function registryPlugin(fastify: FastifyInstance, options: RegistryPluginOptions, done: () => void): void {
  const api = new RegistryApi(options)
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser([...BODY_TYPES], { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, (_, body, parsed) => {
    try {
      parsed(null, parseBody(Buffer.from(body)))
    } catch (error) {
      parsed(error as Error)
    }
  })
  fastify.setErrorHandler((error: FastifyError | RegistryError, _, reply) =>
    send(reply, api.refusal(error instanceof RegistryError ? error : fromFastify(error))),
  )
  const answer = async ({ raw, method, body, headers }: FastifyRequest, reply: FastifyReply) =>
    send(reply, await api.answer({ method, target: raw.url?.slice(fastify.prefix.length) ?? '/', headers, body }))
  for (const url of ['/', '/*']) fastify.route({ method: [...METHODS], url, exposeHeadRoute: false, handler: answer })
  done()
}

/** Bytes, because to a text Fastify would add a charset, which no registry names. */
export function send(reply: FastifyReply, { status, headers, body }: ApiAnswer): FastifyReply {
  return reply.code(status).headers(headers).send(body)
}

/** Fastify's own refusals, in the words of the API. */
function fromFastify(error: FastifyError): Error {
  if (error.statusCode === 413) return registryError('bodyTooLarge')
  if (error.statusCode === 415) return registryError('unsupportedMediaType')
  return error.statusCode === 400 ? registryError('badRequest', error.message) : error
}
