import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Exposition, expositionContentType } from '../observability/exposition.ts'
import { type HealthFacts, type HealthReport, liveness, readiness } from '../observability/health.ts'
import { listenError } from './listener.ts'

/** What the server may ask of the broker beside it; every question is asked anew for each request. */
export interface Observed {
  readonly facts: HealthFacts
  /** How many samples of one metric an answer may have. */
  readonly seriesMax: number
  collect(into: Exposition): void
}

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** Bounds of what a client can take from the broker's thread. */
const limits = { connections: 32, headerBytes: 8192, headersMs: 5000, requestMs: 10_000, keepAliveMs: 60_000 } as const

/**
 * GET and HEAD of /metrics (Prometheus' text), /health and /ready (JSON; 200, or 503 with reasons) over HTTP. Read only;
 * it asks nobody who they are, so it belongs on an address that only operators reach.
 */
export class ObservabilityServer {
  readonly #server: Server

  /** Throws `BrokerError` PORT_IN_USE or LISTEN_FAILED. */
  static async open(host: string, port: number, observed: Observed): Promise<ObservabilityServer> {
    const { headerBytes, headersMs, requestMs, keepAliveMs, connections } = limits
    const server = createServer(
      {
        maxHeaderSize: headerBytes,
        headersTimeout: headersMs,
        requestTimeout: requestMs,
        keepAliveTimeout: keepAliveMs,
      },
      (request, response) => answer(request, response, observed),
    )
    server.maxConnections = connections
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(error, host, port)))
      server.listen({ host, port }, resolve)
    })
    return new ObservabilityServer(server)
  }

  private constructor(server: Server) {
    this.#server = server
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the server has no TCP address')
    return address.port
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
    this.#server.closeAllConnections()
    await closed
  }
}

const pages: Readonly<Record<string, (observed: Observed) => Answer>> = {
  '/metrics': (observed) => ({ status: 200, contentType: expositionContentType, body: scrape(observed) }),
  '/health': ({ facts }) => health(liveness(facts)),
  '/ready': ({ facts }) => health(readiness(facts)),
}

function answer(request: IncomingMessage, response: ServerResponse, observed: Observed): void {
  const { method = '', url = '' } = request
  const [path = ''] = url.split('?', 1)
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined
  // Nobody reads bodies here: whoever sends one is not kept.
  const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
  if (hasBody) response.setHeader('connection', 'close')
  if (page === undefined) return send(response, plain(404, `There are ${Object.keys(pages).join(', ')}`))
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return send(response, plain(405, `${path} has only GET and HEAD`))
  }
  try {
    send(response, page(observed))
  } catch (error) {
    send(response, plain(500, error instanceof Error ? error.message : String(error)))
  }
}

function scrape(observed: Observed): string {
  const exposition = new Exposition(observed.seriesMax)
  exposition.sample('keyfold_broker_ready', readiness(observed.facts).status === 'ok' ? 1 : 0)
  observed.collect(exposition)
  return exposition.toString()
}

function health(report: HealthReport): Answer {
  const status = report.status === 'ok' ? 200 : 503
  return { status, contentType: 'application/json', body: `${JSON.stringify(report)}\n` }
}

function plain(status: number, text: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n` }
}

/** To HEAD Node sends the headers alone. */
function send(response: ServerResponse, { status, contentType, body }: Answer): void {
  const length = Buffer.byteLength(body)
  response.writeHead(status, { 'content-type': contentType, 'content-length': length, 'cache-control': 'no-store' })
  response.end(body)
}
