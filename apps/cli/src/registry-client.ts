import { CliError } from './cli-error.ts'

const ANSWER_MS_MAX = 15_000
const ANSWER_BYTES_MAX = 16 * 1024 * 1024

/** A schema registry by its REST API (Confluent's). Paths are those of the API, with their parts encoded. */
export interface RegistryClient {
  readonly url: string
  /**
   * Asks; undefined when the registry says 404.
   * Errors: `REGISTRY_UNREACHABLE` (nobody answers, or no registry), `REGISTRY_REFUSED` (any other answer, with its code).
   */
  get(path: string): Promise<unknown>
  /** Sends a change or a question with a body. Errors: as above; 404 is refused, too. */
  send(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown>
}

export function registryClient(url: string): RegistryClient {
  const base = url.replace(/\/+$/, '')
  return {
    url: base,
    async get(path) {
      const { status, body } = await ask(base, path, {})
      if (status === 404) return undefined
      return accepted(base, status, body)
    },
    async send(method, path, body) {
      const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
      const request = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) }
      const answer = await ask(base, path, request)
      return accepted(base, answer.status, answer.body)
    },
  }
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

async function ask(base: string, path: string, request: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(`${base}${path}`, { ...request, signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    return { status: response.status, body: JSON.parse(await boundedText(response)) as unknown }
  } catch (error) {
    const reason = error instanceof Error ? reasonOf(error) : String(error)
    throw new CliError('REGISTRY_UNREACHABLE', `no schema registry answers at ${base}: ${reason}`)
  }
}

/** `fetch failed` alone helps nobody: the cause has the address. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > ANSWER_BYTES_MAX) throw new Error(`an answer of more than ${ANSWER_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function accepted(base: string, status: number, body: unknown): unknown {
  if (status >= 200 && status < 300) return body
  const { error_code: code = status, message = `HTTP ${status}` } = (body ?? {}) as {
    error_code?: number
    message?: string
  }
  throw new CliError('REGISTRY_REFUSED', `the registry at ${base} answers ${code}: ${message}`)
}
