/** A command's "no": a value, not an exception. The code is part of the domain's language. */
export interface Rejection<Code extends string = string> {
  readonly kind: 'rejection'
  readonly code: Code
  /** For people. */
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/** Refuses a command: `return reject('ACCOUNT_ALREADY_OPEN')`. The reason follows from the code when it is left out. */
export function reject<const Code extends string>(
  code: Code,
  message: string = code.toLowerCase().replaceAll('_', ' '),
  details: Readonly<Record<string, unknown>> = {},
): Rejection<Code> {
  return { kind: 'rejection', code, message, details }
}

export function isRejection(value: unknown): value is Rejection {
  return typeof value === 'object' && value !== null && (value as Partial<Rejection>).kind === 'rejection'
}
