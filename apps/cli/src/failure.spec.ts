import { KafkaClientError } from '@keyfold/kafka'
import { describe, expect, it } from 'vitest'
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'
import { exitCodeOf, failureLine } from './failure.ts'

describe('a failure', () => {
  it.each([
    [new KafkaClientError('KAFKA_UNREACHABLE', 'no broker answered'), EXIT.unreachable],
    [new CliError('SCHEMAS_MISSING', 'there is no folder x', 'Give it.'), EXIT.usage],
    [new CliError('CONFIRMATION_NEEDED', 'delete everything?'), EXIT.refused],
    [new CliError('TIMED_OUT', 'it was not done'), EXIT.timeout],
    [new Error('a fault\nof our own'), EXIT.found],
  ])('%s is one line and an exit code', (error, code) => {
    expect(exitCodeOf(error)).toBe(code)
    expect(failureLine(error)).toMatch(/^[A-Z_]+: .+\. Why: .+\. Fix: .+\. More: keyfold explain [A-Z_]+$|\? Why: /)
    expect(failureLine(error)).not.toContain('\n')
  })
})
