import { explanationOf } from './explain-error.ts'
import type { Envelope } from './envelope.ts'
import type { Diagnostic } from './report.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'

/** What is said about an error, on one line or in the envelope. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly fix: string
}

/** An error of a library or of the commands as it is; anything else is a fault of our own. */
export function failureOf(error: unknown): Failure {
  if (saysWhatToDo(error)) return { code: error.code, message: oneLine(error.message), fix: oneLine(error.fix) }
  const { fix } = explanationOf('INTERNAL') ?? { fix: '' }
  return { code: 'INTERNAL', message: oneLine(String(error)), fix }
}

/** Always one line: `CODE: what. Why: …. Fix: …. More: keyfold explain CODE`. */
export function failureLine(error: unknown): string {
  const { code, message, fix } = failureOf(error)
  const row = explanationOf(code)
  // Wrong use says by itself what is wrong.
  const why = row === undefined || code === 'USAGE' ? '' : ` Why: ${sentence(row.why)}`
  return `${code}: ${sentence(message)}${why} Fix: ${sentence(fix)}${row === undefined ? '' : ` More: keyfold explain ${code}`}`
}

/** The same for programs: what `-o json` prints in place of a result. */
export function failureEnvelope(error: unknown, before: readonly Diagnostic[] = []): Envelope {
  return {
    version: 1,
    status: 'error',
    data: null,
    diagnostics: [...before, { severity: 'error', ...failureOf(error) }],
  }
}

export function exitCodeOf(error: unknown): ExitCode {
  return EXIT[explanationOf(failureOf(error).code)?.exit ?? 'usage']
}

function saysWhatToDo(error: unknown): error is Error & { readonly code: string; readonly fix: string } {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    'fix' in error &&
    typeof error.fix === 'string'
  )
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' ')
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
