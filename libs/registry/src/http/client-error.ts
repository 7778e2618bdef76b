import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { CONTENT_TYPE } from './accept.ts'

/** What is wrong before there is a request, by Node's code. */
const STATUSES: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }

/** Answers, in the form of the API, what is no HTTP or has longer headers than a server reads. Closes the connection. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
  const status = STATUSES[error.code ?? ''] ?? 400
  const reason = STATUS_CODES[status] ?? ''
  const body = JSON.stringify({ error_code: status, message: `HTTP ${status} ${reason}` })
  const headers = [`HTTP/1.1 ${status} ${reason}`, `Content-Type: ${CONTENT_TYPE}`, `Content-Length: ${body.length}`]
  socket.end([...headers, 'Connection: close', '', body].join('\r\n'))
}
