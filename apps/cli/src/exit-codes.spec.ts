import { KafkaClientError } from '@keyfold/kafka'
import { expect, it } from 'vitest'
import { CliError, EXIT, exitCodeOf, failureLine } from './exit-codes.ts'

it.each([
  [new KafkaClientError('KAFKA_UNREACHABLE', 'no broker answered'), EXIT.unreachable],
  [new CliError('SCHEMAS_MISSING', 'there is no folder x', 'Give it.'), EXIT.usage],
  [new Error('a fault\nof our own'), EXIT.found],
])('%s is one line and an exit code', (error, code) => {
  expect(exitCodeOf(error)).toBe(code)
  expect(failureLine(error)).toMatch(/^[A-Z_]+: .+\. Fix: .+$/)
})
