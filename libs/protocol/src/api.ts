import type { DecodedTable, EncodableTable, Table } from './fields.ts'

/** One Kafka API: everything about it that is data. */
export interface Api<Request extends Table = Table, Response extends Table = Table> {
  /** The API key on the wire. */
  readonly key: number
  readonly name: string
  /** First and last version that can be encoded and decoded. */
  readonly versions: readonly [min: number, max: number]
  /** First and last version to announce in ApiVersions; wider than `versions` where old clients look for it. */
  readonly advertised: readonly [min: number, max: number]
  /** First version with compact lengths and tagged fields (KIP-482); null for never. */
  readonly flexible: number | null
  readonly request: Request
  readonly response: Response
}

export type AnyApi = Api

/** What decoding a request of the API yields. */
export type RequestOf<A extends AnyApi> = DecodedTable<A['request']>
/** What decoding a response of the API yields. */
export type ResponseOf<A extends AnyApi> = DecodedTable<A['response']>
/** What encoding a request of the API accepts. */
export type RequestInput<A extends AnyApi> = EncodableTable<A['request']>
/** What encoding a response of the API accepts: what a handler returns. */
export type ResponseInput<A extends AnyApi> = EncodableTable<A['response']>

interface ApiDefinition<Request extends Table, Response extends Table> extends Omit<
  Api<Request, Response>,
  'advertised'
> {
  readonly advertised?: readonly [min: number, max: number]
}

/** Declares an API. The types of its messages follow from the two tables. */
export function defineApi<Request extends Table, Response extends Table>(
  definition: ApiDefinition<Request, Response>,
): Api<Request, Response> {
  return { ...definition, advertised: definition.advertised ?? definition.versions }
}

/** Whether the version can be encoded and decoded. */
export function supportsVersion(api: AnyApi, version: number): boolean {
  return Number.isInteger(version) && version >= api.versions[0] && version <= api.versions[1]
}

/** Whether the version has compact lengths, tagged fields and the longer headers. */
export function isFlexible(api: AnyApi, version: number): boolean {
  return api.flexible !== null && version >= api.flexible
}
