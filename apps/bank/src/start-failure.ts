/** Something that keeps the bank from starting, for people. */
export class StartFailure extends Error {
  readonly code: string
  readonly fix: string
  readonly exitCode: number

  constructor(code: string, message: string, fix: string, exitCode: number) {
    super(message)
    this.code = code
    this.fix = fix
    this.exitCode = exitCode
  }
}

/** One line, `CODE: cause. Fix: …`, and the exit code that goes with it. */
export function describeFailure(error: unknown): { readonly line: string; readonly exitCode: number } {
  const { code, fix, message, exitCode } = error as Partial<StartFailure>
  if (typeof code === 'string' && typeof fix === 'string')
    return { line: `${code}: ${message}. Fix: ${fix}`, exitCode: exitCode ?? EXIT_CODES[code] ?? 1 }
  return {
    line: `INTERNAL_ERROR: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    exitCode: 1,
  }
}

/** 2 wrong use or settings, 3 Kafka or the registry cannot be reached, 74 (EX_IOERR) the disk; everything else is 1. */
const EXIT_CODES: Readonly<Record<string, number>> = {
  OPTIONS_INVALID: 2,
  CONFIG_INVALID: 2,
  KAFKA_UNREACHABLE: 3,
  KAFKA_INCOMPATIBLE: 3,
  REGISTRY_UNREACHABLE: 3,
  STORAGE_FAILED: 74,
  JOURNAL_CORRUPT: 74,
  CHECKPOINT_CORRUPT: 74,
  DATA_DIRECTORY_UNUSABLE: 74,
  READ_MODEL_UNWRITABLE: 74,
}
