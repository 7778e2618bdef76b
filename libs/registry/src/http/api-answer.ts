/** A request below the path that the API is mounted at, whatever server took it. */
export interface ApiCall {
  readonly method: string
  /** Path and query, undecoded, such as `/subjects/a%2Fb/versions?normalize=true`. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The JSON body, undefined when there is none. */
  readonly body: unknown
}

export interface ApiAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}
