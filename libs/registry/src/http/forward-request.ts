import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { ForwardOutcome } from '../forwarding/route-write.ts'
import type { LogWriter } from '../log/schema-log.ts'
import type { ApiAnswer, ApiCall } from './api-answer.ts'

/** Confluent's mark on a request that must not be passed on again. */
export const FORWARDED = 'x-forward'
/** Which process is meant: an address may have passed to another one. The answer names the process that gave it. */
export const WRITER_ID = 'x-keyfold-writer'

const ANSWER_BYTES_MAX = 16 * 1024 * 1024

/** Sends a request on to the registry that writes. The path goes out as it came in, percent signs and all. */
export async function forwardRequest(
  { method, target, headers, body }: ApiCall,
  to: LogWriter,
  timeoutMs: number,
): Promise<ForwardOutcome<ApiAnswer>> {
  const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const url = new URL(to.url)
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)({
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port,
    path: url.pathname.replace(/\/$/, '') + target,
    method,
    agent: false,
    headers: {
      ...passedOn(headers),
      ...(text && { 'content-type': 'application/json', 'content-length': text.length }),
      [FORWARDED]: 'true',
      [WRITER_ID]: to.id,
    },
  })
  return await outcomeOf(request, text, { to, timeoutMs })
}

/** `Accept`, `Authorization` and `Confluent-…`; not what belongs to this connection. */
function passedOn(headers: ApiCall['headers']): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => PASSED_ON.test(name))
  return Object.fromEntries(own.map(([name, value]) => [name, String(value)]))
}

const PASSED_ON = /^(accept|authorization|confluent-.+)$/

function outcomeOf(
  request: ClientRequest,
  text: Buffer | undefined,
  { to, timeoutMs }: { readonly to: LogWriter; readonly timeoutMs: number },
): Promise<ForwardOutcome<ApiAnswer>> {
  return new Promise((resolve) => {
    let isConnected = false
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    const settle = (outcome: ForwardOutcome<ApiAnswer>): void => {
      clearTimeout(timer)
      resolve(outcome)
    }
    const fail = (error: Error): void => settle({ kind: isConnected ? 'lost' : 'not-taken', reason: error.message })
    // Nothing of the request leaves before the connection stands.
    request.on('socket', (socket) => socket.once('connect', () => (isConnected = true)))
    request.on('error', fail)
    request.on('response', (response) => {
      read(response).then((body) => settle(judge(response, body, to)), fail)
    })
    request.end(text)
  })
}

function judge(response: IncomingMessage, body: Buffer, to: LogWriter): ForwardOutcome<ApiAnswer> {
  // Whoever else listens at this address now has not changed what was to be changed.
  if (response.headers[WRITER_ID] !== to.id) {
    return { kind: 'not-taken', reason: 'another process answers at its address' }
  }
  const status = response.statusCode ?? 500
  const { error_code: code, message } = status < 500 ? {} : parsed(body)
  if (code === NOT_THE_WRITER) return { kind: 'not-taken', reason: String(message) }
  const type = response.headers['content-type']
  return { kind: 'answered', answer: { status, headers: type === undefined ? {} : { 'content-type': type }, body } }
}

const NOT_THE_WRITER = 50004

function parsed(body: Buffer): { readonly error_code?: unknown; readonly message?: unknown } {
  try {
    const json: unknown = JSON.parse(body.toString())
    return typeof json === 'object' && json !== null ? json : {}
  } catch {
    return {}
  }
}

async function read(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`its answer is larger than ${ANSWER_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
