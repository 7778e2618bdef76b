/** The bank's HTTP API as the tour uses it: what a reader could do with curl. */
export class BankClient {
  readonly #baseUrl: string

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl
  }

  async get<Body>(path: string): Promise<Body> {
    return await this.#expectSuccess<Body>(await fetch(`${this.#baseUrl}${path}`), path)
  }

  async post<Body>(path: string, body: unknown, commandId?: string): Promise<Body> {
    return await this.#expectSuccess<Body>(await this.send(path, body, commandId), path)
  }

  /** A POST whose refusal is the point. */
  async send(path: string, body: unknown, commandId?: string): Promise<Response> {
    return await fetch(`${this.#baseUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(commandId !== undefined && { 'idempotency-key': commandId }) },
      body: JSON.stringify(body),
    })
  }

  /** Lines of JSON as they arrive. */
  async *lines<Line>(path: string): AsyncGenerator<Line> {
    const response = await fetch(`${this.#baseUrl}${path}`, { method: 'POST' })
    if (!response.ok || response.body === null) throw new Error(`POST ${path}: ${await response.text()}`)
    let rest = ''
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts) yield JSON.parse(part) as Line
    }
  }

  async #expectSuccess<Body>(response: Response, path: string): Promise<Body> {
    const text = await response.text()
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
    return JSON.parse(text) as Body
  }
}
