/** An error that says what to do: those of the libraries, and `UsageError`. */
interface Failure {
  readonly code: string
  readonly message: string
  readonly fix: string
}

/** Options that make no sense. */
export class UsageError extends Error implements Failure {
  override readonly name = 'UsageError'
  readonly code = 'OPTIONS_INVALID'
  readonly fix =
    'use --kafka host:port[,host:port] [--host 127.0.0.1] [--port 8081] [--advertised-url http://host:8081] [--replication-factor 3] [--write-timeout-ms 5000] [--answers 8.x]'
}

/** Always one line: `CODE: cause. Fix: …`. */
export function failureLine(error: unknown): string {
  const { code, message, fix } = isFailure(error)
    ? error
    : { code: 'INTERNAL', message: String(error), fix: 'report it together with this text' }
  return `${code}: ${message}. Fix: ${fix}`.replaceAll(/\s*\n\s*/g, ' ')
}

/** 2 for wrong options and addresses, 3 for a Kafka that is not there, 1 for everything else. */
export function failureExitCode(error: unknown): number {
  return isFailure(error) ? (EXIT_CODES[error.code] ?? 1) : 1
}

const EXIT_CODES: Readonly<Record<string, number>> = {
  OPTIONS_INVALID: 2,
  PORT_IN_USE: 2,
  REGISTRY_ADDRESS_UNUSABLE: 2,
  REGISTRY_TOPIC_UNSUITABLE: 2,
  KAFKA_UNREACHABLE: 3,
  KAFKA_INCOMPATIBLE: 3,
  KAFKA_TIMEOUT: 3,
  AUTHENTICATION_FAILED: 3,
}

function isFailure(error: unknown): error is Failure {
  return error instanceof Error && 'code' in error && 'fix' in error && typeof error.fix === 'string'
}
