import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runBank } from '../bank-process.ts'

describe('npm start -- --once', () => {
  let directory: string
  beforeAll(async () => (directory = await mkdtemp(join(tmpdir(), 'keyfold-tour-'))))
  afterAll(() => rm(directory, { recursive: true }))

  it(
    'plays the tour on an empty data directory, and finds everything the second time',
    { timeout: 60_000 },
    async () => {
      const args = ['--once', '--port', '0', '--data', directory]
      const first = await runBank(args)
      expect(first.stderr).toBe('')
      expect(first.exitCode).toBe(0)
      for (const line of TOUR) expect(first.stdout).toMatch(line)

      const second = await runBank(args)
      expect(second.exitCode).toBe(0)
      expect(second.stdout).not.toContain('The tour')
      expect(second.stdout).toContain('2 accounts are here')
      expect(second.stdout).toContain('Alice: $360.00')
      expect(second.stdout).toContain('Bob: $210.00')
    },
  )
})

const TOUR: readonly RegExp[] = [
  /bank +http:\/\/127\.0\.0\.1:\d+/,
  /registry +http:\/\/127\.0\.0\.1:\d+/,
  /broker +127\.0\.0\.1:\d+ \(bundled/,
  /✓ Opened accounts for Alice and Bob/,
  /✓ Alice deposited \$500/,
  /✓ Made a payment of \$200 to Bob/,
  /✓ A withdrawal of \$1000 was rejected: INSUFFICIENT_FUNDS/,
  /✓ The same command id sent twice happened once/,
  /bank\.account partition \d offset \d+ {2}key alice {2}bank\.AccountOpened v1 {2}\d{4}-/,
  /ce_type=bank\.MoneyDeposited/,
  /✓ Registered version 2 of bank\.MoneyDeposited/,
  /version 1 at .* reads as .*"memo":""/,
  /version 2 at .* reads as .*"memo":"birthday"/,
  /✓ Tried a version with a required field "branch": the registry refused it/,
  /The field 'branch' .* has no default value/,
  /✓ A read model that did not exist before, "statements"/,
  /█{30} \d+ events/,
  /rebuilt equals live \(balances: 2 rows/,
]
