import { errorTable, type CliErrorCode } from './error-table.ts'

/**
 * An operating error of a command: its code (a row of the error table, which has the exit code), what happened, and
 * what to do. Errors of the libraries have the same members and are printed alike.
 */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode
  readonly fix: string

  constructor(code: CliErrorCode, message: string, fix: string = errorTable[code].fix) {
    super(message)
    this.code = code
    this.fix = fix
  }
}
