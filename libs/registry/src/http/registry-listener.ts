import type { IncomingMessage, ServerResponse } from 'node:http'
import { registryError } from '../registry-error.ts'
import type { ApiAnswer } from './api-answer.ts'
import { RegistryApi, type RegistryApiOptions } from './registry-api.ts'
import { BODY_BYTES_MAX, BODY_TYPES, parseBody } from './request-body.ts'

export interface RegistryListenerOptions extends RegistryApiOptions {
  /** The path that the API is mounted at, such as `/schema-registry`; what stands before it in a URL counts for nothing. */
  readonly path?: string
}

/** A request of Node's own server, as Express and others pass it on. */
export type ListenerRequest = IncomingMessage & {
  /** The target as it came in, when a router has cut its own part off `url`. */
  readonly originalUrl?: string
  /** There when something before has read the body. */
  readonly body?: unknown
}

/** The REST API for servers that hand over Node's request and response: Express, Connect, a middleware of Nest. */
export function registryListener(
  options: RegistryListenerOptions,
): (request: ListenerRequest, response: ServerResponse) => Promise<void> {
  const { path = '' } = options
  const api = new RegistryApi(options)
  return async (request, response) => {
    const { method = 'GET', headers } = request
    const target = below(path, request.originalUrl ?? request.url ?? '/')
    const answer = await bodyOf(request).then(
      (body) => api.answer({ method, target, headers, body }),
      (error: unknown) => api.refusal(error),
    )
    send(response, answer, method)
  }
}

function send(response: ServerResponse, { status, headers, body }: ApiAnswer, method: string): void {
  response.writeHead(status, { ...headers, 'content-length': body.length })
  response.end(method === 'HEAD' ? undefined : body)
}

function below(path: string, target: string): string {
  const wanted = `/${path.replace(/^\/|\/$/g, '')}`
  if (wanted === '/') return target
  const end = [...target.matchAll(/[/?]|$/g)]
    .map(({ index }) => index)
    .find((at) => target.slice(0, at).endsWith(wanted))
  const rest = end === undefined ? target : target.slice(end)
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** Throws 400, 413, 415. */
async function bodyOf(request: ListenerRequest): Promise<unknown> {
  const bytes = request.readableEnded ? bytesOf(request.body) : await read(request)
  if (bytes.length === 0) return undefined
  const [type = ''] = (request.headers['content-type'] ?? 'application/json').split(';')
  if (!BODY_TYPES.some((known) => known === type.trim().toLowerCase())) throw registryError('unsupportedMediaType')
  return parseBody(bytes)
}

/** Of a body that a parser in front of this has read. */
function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body
  return Buffer.from(body === undefined || typeof body === 'string' ? (body ?? '') : JSON.stringify(body))
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let count = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    count += chunk.length
    // The rest is read all the same: a client that is still sending would not see the answer.
    if (count <= BODY_BYTES_MAX) chunks.push(chunk)
  }
  if (count > BODY_BYTES_MAX) throw registryError('bodyTooLarge')
  return Buffer.concat(chunks)
}
