/** A range of API versions as tables write it: '3+', '0-4' or a single '2'. */
export type VersionRange = `${number}+` | `${number}-${number}` | `${number}`

/** Whether `version` lies in `range`; a missing range covers every version. */
export function inVersions(range: VersionRange | undefined, version: number): boolean {
  if (range === undefined) return true
  const match = /^(\d+)(\+|-(\d+))?$/.exec(range)
  if (match === null) throw new TypeError(`'${range}' is not a version range such as '3+', '0-4' or '2'`)
  const min = Number(match[1])
  if (version < min) return false
  if (match[2] === '+') return true
  return version <= Number(match[3] ?? match[1])
}

/** A version that the API's table does not have. */
export class UnsupportedVersion extends Error {
  readonly code = 'UNSUPPORTED_VERSION'
  readonly apiName: string
  readonly version: number

  constructor(api: { readonly name: string; readonly versions: readonly [number, number] }, version: number) {
    super(`${api.name} has versions ${api.versions.join(' to ')}, not ${version}`)
    this.name = 'UnsupportedVersion'
    this.apiName = api.name
    this.version = version
  }
}
