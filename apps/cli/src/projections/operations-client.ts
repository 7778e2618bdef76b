import { request } from 'node:http'
import { request as requestSecurely } from 'node:https'
import { createInterface } from 'node:readline'
import type { IncomingMessage } from 'node:http'
import { CliError } from '../cli-error.ts'

/** An application with `KeyfoldOperationsModule`. Errors: `APP_UNREACHABLE`, `APP_REFUSED`. */
export interface OperationsClient {
  readonly url: string
  get<Answer>(path: string): Promise<Answer>
  post<Answer>(path: string, body?: object): Promise<Answer>
  /** Runs a job and hears of its progress; answers what it came to. */
  job<Progress, Answer>(path: string, body: object, onProgress: (progress: Progress) => void): Promise<Answer>
}

/** The options of every command that speaks to an application. */
export const addressOptions = [
  { flags: '--app-url <url>', description: 'the application; KEYFOLD_APP_URL or http://127.0.0.1:3000' },
  { flags: '--token <token>', description: 'what it wants to see; KEYFOLD_APP_TOKEN' },
] as const

export interface AddressOptions {
  readonly appUrl?: string
  readonly token?: string
}

const URL_DEFAULT = 'http://127.0.0.1:3000'
const ANSWER_BYTES_MAX = 16 * 1024 * 1024

export function operationsClient(
  options: AddressOptions,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): OperationsClient {
  const base = (options.appUrl ?? env['KEYFOLD_APP_URL'] ?? URL_DEFAULT).replace(/\/+$/, '')
  const token = options.token ?? env['KEYFOLD_APP_TOKEN']
  if (!URL.canParse(base)) throw new CliError('USAGE', `--app-url ${base} is no URL`)
  const ask = (method: 'GET' | 'POST', path: string, body?: object): Promise<IncomingMessage> =>
    send({ method, url: new URL(`${base}/keyfold/projections${path}`), token, body, signal })
  return {
    url: base,
    get: async <Answer>(path: string) => accepted<Answer>(base, await ask('GET', path)),
    post: async <Answer>(path: string, body: object = {}) => accepted<Answer>(base, await ask('POST', path, body)),
    async job<Progress, Answer>(path: string, body: object, onProgress: (progress: Progress) => void) {
      const answer = await ask('POST', path, body)
      if (!isJob(answer)) return await accepted<Answer>(base, answer)
      for await (const line of createInterface({ input: answer })) {
        const { progress, done, problem } = JSON.parse(line) as {
          readonly progress?: Progress
          readonly done?: Answer
          readonly problem?: Problem
        }
        if (progress !== undefined) onProgress(progress)
        if (problem !== undefined) throw refused(base, problem)
        if (done !== undefined) return done
      }
      throw new CliError('APP_UNREACHABLE', `${base} hung up before the job was done`)
    },
  }
}

interface Question {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly token: string | undefined
  readonly body: object | undefined
  readonly signal: AbortSignal
}

/** Not `fetch`, which gives up after five minutes without a byte: a rebuild may take hours. */
function send({ method, url, token, body, signal }: Question): Promise<IncomingMessage> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers = {
    accept: 'application/json, application/x-ndjson',
    ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
  return new Promise((resolve, reject) => {
    const open = url.protocol === 'https:' ? requestSecurely : request
    const asking = open(url, { method, headers, signal }, resolve)
    asking.on('error', (error) =>
      reject(new CliError('APP_UNREACHABLE', `no application answers at ${url.origin}: ${error.message}`)),
    )
    asking.end(text)
  })
}

interface Problem {
  readonly code?: string
  readonly detail?: string
  readonly message?: unknown
  readonly fix?: string
}

async function accepted<Answer>(base: string, answer: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES_MAX)
      throw new CliError('APP_REFUSED', `${base} answers more than ${ANSWER_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString('utf8')
  const { statusCode = 0 } = answer
  const isOk = statusCode >= 200 && statusCode < 300
  try {
    const body = JSON.parse(text) as Answer
    if (isOk) return body
    throw refused(base, body as Problem)
  } catch (error) {
    if (error instanceof CliError) throw error
    const isMissing = statusCode === 404 ? ': it has no KeyfoldOperationsModule' : ''
    throw new CliError('APP_REFUSED', `${base} answers ${statusCode}${isMissing}`)
  }
}

function refused(base: string, { code, detail, message, fix }: Problem): CliError {
  const why = detail ?? (typeof message === 'string' ? message : JSON.stringify(message))
  return new CliError('APP_REFUSED', `${base} answers ${code ?? 'an error'}: ${why}`, fix)
}

function isJob({ statusCode, headers }: IncomingMessage): boolean {
  return statusCode === 200 && (headers['content-type'] ?? '').includes('ndjson')
}
