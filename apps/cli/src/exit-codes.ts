/** What a command's exit code means; the same for all commands. */
export const EXIT = {
  ok: 0,
  /** The command ran and found what it looks for, such as stale code; or it failed by a fault of its own. */
  found: 1,
  /** Wrong options, unusable input or configuration. */
  usage: 2,
  /** A broker or registry cannot be reached. */
  unreachable: 3,
} as const

/** Where a command writes: one line at a time. */
export interface Output {
  out(line: string): void
  err(line: string): void
}

/** An error that says what to do. Those of the libraries have the same members. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: string
  readonly fix: string

  constructor(code: string, message: string, fix: string) {
    super(message)
    this.code = code
    this.fix = fix
  }
}

/** Always one line: `CODE: cause. Fix: …`. */
export function failureLine(error: unknown): string {
  const { code, message, fix } = saysWhatToDo(error)
    ? error
    : { code: 'INTERNAL', message: String(error), fix: 'report it together with the command line' }
  return `${code}: ${message}. Fix: ${fix}`.replaceAll(/\s*\n\s*/g, ' ')
}

export function exitCodeOf(error: unknown): number {
  if (!saysWhatToDo(error)) return EXIT.found
  return UNREACHABLE.has(error.code) ? EXIT.unreachable : EXIT.usage
}

const UNREACHABLE = new Set(['KAFKA_UNREACHABLE', 'KAFKA_INCOMPATIBLE', 'KAFKA_TIMEOUT', 'AUTHENTICATION_FAILED'])

function saysWhatToDo(error: unknown): error is CliError {
  return error instanceof Error && 'code' in error && 'fix' in error && typeof error.fix === 'string'
}
