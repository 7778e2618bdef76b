/**
 * The errors of the REST API: code and text, to the letter, because clients and consoles compare both.
 * The HTTP status is the first three digits of the code.
 */
const REGISTRY_ERRORS = {
  notFound: { code: 404, text: () => 'HTTP 404 Not Found' },
  methodNotAllowed: { code: 405, text: () => 'HTTP 405 Method Not Allowed' },
  unsupportedMediaType: { code: 415, text: () => 'HTTP 415 Unsupported Media Type' },
  notAcceptable: { code: 406, text: () => 'HTTP 406 Not Acceptable' },
  bodyTooLarge: { code: 413, text: () => 'HTTP 413 Request Entity Too Large' },
  badRequest: { code: 400, text: (reason: string) => reason },
  noBody: { code: 422, text: () => 'The request must have a body' },
  internal: { code: 500, text: () => 'HTTP 500 Internal Server Error' },
  subjectNotFound: { code: 40401, text: (subject: string) => `Subject '${subject}' not found.` },
  versionNotFound: { code: 40402, text: (version: number | string) => `Version ${version} not found.` },
  schemaNotFound: {
    code: 40403,
    text: (id?: number | string) => (id === undefined ? 'Schema not found' : `Schema ${id} not found`),
  },
  subjectSoftDeleted: {
    code: 40404,
    text: (subject: string) => `Subject '${subject}' was soft deleted.Set permanent=true to delete permanently`,
  },
  subjectNotSoftDeleted: {
    code: 40405,
    text: (subject: string) => `Subject '${subject}' was not deleted first before being permanently deleted`,
  },
  versionSoftDeleted: {
    code: 40406,
    text: (subject: string, version: number | string) =>
      `Subject '${subject}' Version ${version} was soft deleted.Set permanent=true to delete permanently`,
  },
  versionNotSoftDeleted: {
    code: 40407,
    text: (subject: string, version: number | string) =>
      `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted`,
  },
  noSubjectLevel: {
    code: 40408,
    text: (subject: string) => `Subject '${subject}' does not have subject-level compatibility configured`,
  },
  noSubjectMode: {
    code: 40409,
    text: (subject: string) => `Subject '${subject}' does not have subject-level mode configured`,
  },
  /** Newer registries say 40901; clients that compare the code know 409, the others look at the HTTP status. */
  incompatible: {
    code: 409,
    text: (subject: string, details: readonly string[]) =>
      `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: [${details.join(', ')}]`,
  },
  invalidSchema: { code: 42201, text: (reason: string) => reason },
  invalidVersion: {
    code: 42202,
    text: (version: string) =>
      `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
  },
  invalidLevel: {
    code: 42203,
    text: () =>
      'Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive',
  },
  invalidMode: { code: 42204, text: () => 'Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.' },
  invalidPolicy: {
    code: 42203,
    text: () => 'Invalid compatibility policy. Valid values are logical, strict and lenient',
  },
  forwardIsGlobal: { code: 42204, text: () => 'Forward mode only supported on global level' },
  notPermitted: { code: 42205, text: (reason: string) => reason },
  referenceExists: {
    code: 42206,
    text: (subject: string, version: number) =>
      `One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=${subject},version=${version}}.`,
  },
  idDoesNotMatch: {
    code: 42207,
    text: (registered: number, given: number) =>
      `Schema already registered with id ${registered} instead of input id ${given}`,
  },
  invalidSubject: { code: 42208, text: (subject: string) => `The specified subject '${subject}' is not a valid.` },
  schemaTooLarge: { code: 42209, text: (reason: string) => reason },
  invalidRuleSet: { code: 42210, text: (reason: string) => reason },
  contextNotEmpty: { code: 42211, text: (context: string) => `The specified context '${context}' is not empty.` },
  storeFailed: { code: 50001, text: (reason: string) => `Error in the backend data store: ${reason}` },
  storeTimeout: { code: 50002, text: (reason: string) => `Operation timed out: ${reason}` },
  forwardFailed: {
    code: 50003,
    text: (url: string, reason: string) =>
      `Error while forwarding the request to the registry that writes, ${url}: ${reason}`,
  },
  notTheWriter: { code: 50004, text: () => 'Another registry writes to this topic now; this one only reads.' },
} as const

export type RegistryErrorName = keyof typeof REGISTRY_ERRORS
type TextOf<Name extends RegistryErrorName> = Parameters<(typeof REGISTRY_ERRORS)[Name]['text']>

/** An answer of the API that is not a success. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError'
  readonly code: number

  constructor(code: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }

  get httpStatus(): number {
    return Number(String(this.code).slice(0, 3))
  }
}

export function registryError<Name extends RegistryErrorName>(name: Name, ...particulars: TextOf<Name>): RegistryError {
  const { code, text } = REGISTRY_ERRORS[name]
  return new RegistryError(code, (text as (...particulars: TextOf<Name>) => string)(...particulars))
}

/** Why a registry process cannot start or go on. `String(error)` is one line: code, cause, fix. */
export class RegistryStartError extends Error {
  override readonly name = 'RegistryStartError'
  readonly code: 'PORT_IN_USE' | 'REGISTRY_ADDRESS_UNUSABLE' | 'REGISTRY_TOPIC_UNSUITABLE'
  readonly fix: string

  constructor(code: RegistryStartError['code'], message: string, fix: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.fix = fix
  }

  override toString(): string {
    return `${this.code}: ${this.message}. Fix: ${this.fix}`
  }
}
