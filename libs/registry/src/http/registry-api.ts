import { isNotTheWriter, routeWrite, type WriteRequest } from '../forwarding/route-write.ts'
import { RegistryError, registryError } from '../registry-error.ts'
import type { RegistryLog, SchemaRegistry } from '../schema-registry.ts'
import { acceptedType, CONTENT_TYPE } from './accept.ts'
import { type AnswerStyle, DEFAULT_STYLE } from './answer-style.ts'
import type { ApiAnswer, ApiCall } from './api-answer.ts'
import { FORWARDED, forwardRequest, WRITER_ID } from './forward-request.ts'
import { matchRequest } from './match-request.ts'
import { OPERATION_ROUTES, type RequestCounts } from './operations.ts'
import { AllowedMethods, RawText } from './route.ts'

export interface RegistryApiOptions {
  /** Requests wait for one that is still being opened. */
  readonly registry: SchemaRegistry | Promise<SchemaRegistry>
  readonly tell?: RegistryLog
  /** How answers look where versions of Confluent's registry differ. Default: members of 8.x, error code 409. */
  readonly answers?: Partial<AnswerStyle>
}

/** How long a follower waits to learn what it was asked for and does not know. */
const NEWS_WAIT_MS = 1000

/**
 * The REST API without a server: finds the handler, carries changes out here or has the registry that writes do so, and
 * gives every answer, of whatever error, the form that clients read.
 */
export class RegistryApi {
  readonly #registry: SchemaRegistry | Promise<SchemaRegistry>
  #opened: SchemaRegistry | undefined
  readonly #tell: RegistryLog
  readonly #style: AnswerStyle
  readonly #counts: RequestCounts = { answers: new Map(), forwarded: 0 }

  constructor({ registry, tell = () => undefined, answers = {} }: RegistryApiOptions) {
    this.#registry = registry
    this.#style = { ...DEFAULT_STYLE, ...answers }
    this.#tell = tell
    void Promise.resolve(registry).then(
      (opened) => (this.#opened = opened),
      () => undefined,
    )
  }

  /** Never throws. */
  async answer(call: ApiCall): Promise<ApiAnswer> {
    const answer = await this.#answer(call).catch((error: unknown) => this.refusal(error))
    this.#counts.answers.set(answer.status, (this.#counts.answers.get(answer.status) ?? 0) + 1)
    return answer
  }

  /** An error in the form of the API; those it does not know become 500 and go to the log. */
  refusal(error: unknown): ApiAnswer {
    const known = error instanceof RegistryError ? error : registryError('internal')
    // That another one writes is no failure of this one.
    const level = isNotTheWriter(known) ? 'debug' : 'error'
    if (known.httpStatus >= 500) this.#tell(level, known.message, { code: known.code, error })
    const code = known.code === 409 ? this.#style.incompatibleCode : known.code
    return json(known.httpStatus, { error_code: code, message: known.message })
  }

  async #answer(call: ApiCall): Promise<ApiAnswer> {
    const [path = ''] = call.target.split('?', 1)
    const operation = isRead(call) ? OPERATION_ROUTES[path] : undefined
    if (operation) return operation(this.#opened, this.#counts)
    const registry = await this.#registry
    const type = acceptedType(call.headers['accept']?.toString())
    const { handler, request } = matchRequest(call, registry.state, this.#style)
    const run = async () => answered(await handler(request, registry), type)
    if (call.headers[FORWARDED] !== undefined) return await this.#forwarded(call, registry, run)
    try {
      return await run()
    } catch (error) {
      if (isNotTheWriter(error)) return await this.#elsewhere(call, registry, run)
      // What a follower does not know may be on its way.
      if (!isUnknown(error) || registry.isWriter || !(await registry.catchUp(NEWS_WAIT_MS))) throw error
      return await run()
    }
  }

  /** Passed on already, and not passed on again. The answer says who gave it: an address may have changed hands. */
  async #forwarded(call: ApiCall, registry: SchemaRegistry, run: () => Promise<ApiAnswer>): Promise<ApiAnswer> {
    const { id } = registry.self
    const meant = call.headers[WRITER_ID] ?? id
    const refused = () => this.refusal(registryError('notTheWriter'))
    const answer = meant === id ? await run().catch((error: unknown) => this.refusal(error)) : refused()
    return { ...answer, headers: { ...answer.headers, [WRITER_ID]: id } }
  }

  /** A change that reached a registry that does not write. */
  async #elsewhere(call: ApiCall, registry: SchemaRegistry, runHere: () => Promise<ApiAnswer>): Promise<ApiAnswer> {
    const timeoutMs = registry.writeTimeoutMs + FORWARD_GRACE_MS
    const request: WriteRequest<ApiAnswer> = {
      runHere,
      forward: (to) => {
        this.#counts.forwarded++
        return forwardRequest(call, to, timeoutMs)
      },
      isRepeatable: call.method !== 'DELETE',
    }
    return await routeWrite(registry, request, {
      deadlineMs: 2 * timeoutMs,
      now: Date.now,
      random: Math.random,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    })
  }
}

/** The writer's own deadline passes first, so that its answer, which knows more, is the one that counts. */
const FORWARD_GRACE_MS = 1000

function answered(body: unknown, type: string): ApiAnswer {
  if (body === undefined) return { status: 204, headers: {}, body: Buffer.alloc(0) }
  if (!(body instanceof AllowedMethods)) return json(200, body, type)
  return { status: 200, headers: { allow: body.methods.join(', ') }, body: Buffer.alloc(0) }
}

function json(status: number, body: unknown, type = CONTENT_TYPE): ApiAnswer {
  const text = body instanceof RawText ? body.text : JSON.stringify(body)
  return { status, headers: { 'content-type': type }, body: Buffer.from(text) }
}

/** 40401, 40402, 40403: subject, version or schema. */
function isUnknown(error: unknown): boolean {
  return error instanceof RegistryError && error.code >= 40401 && error.code <= 40403
}

function isRead({ method }: ApiCall): boolean {
  return method === 'GET' || method === 'HEAD'
}
