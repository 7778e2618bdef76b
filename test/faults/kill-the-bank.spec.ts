import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startBank } from '../bank-process.ts'
import { violations } from './checker.ts'
import { readLog } from './log-reader.ts'
import { seededRandom } from './random.ts'
import { Workload } from './workload.ts'

const ROUNDS = Number(process.env['KEYFOLD_KILL_ROUNDS'] ?? 20)
const SEED = Number(process.env['KEYFOLD_SEED'] ?? Date.now() % 1_000_000_007)

describe('kill -9 of broker, registry and bank at random moments under 16 clients', () => {
  it(`loses, doubles and makes up nothing in ${ROUNDS} rounds`, { timeout: 600_000 }, async () => {
    process.stdout.write(`kill lane: KEYFOLD_SEED=${SEED} KEYFOLD_KILL_ROUNDS=${ROUNDS}\n`)
    const directory = await mkdtemp(join(tmpdir(), 'keyfold-kill-'))
    const random = seededRandom(SEED)
    const workload = new Workload(random)

    let bank = await startBank(directory)
    await workload.openAccounts(bank.bankUrl)
    for (let round = 0; round < ROUNDS; round += 1) {
      let stopped = false
      const running = workload.run(bank.bankUrl, () => stopped)
      await sleep(20 + random() * 400)
      await bank.kill()
      stopped = true
      await running
      bank = await startBank(directory)
    }
    await workload.settle(bank.bankUrl)
    const accounts = (await (await fetch(`${bank.bankUrl}/accounts`)).json()) as {
      accountId: string
      balance: string
    }[]
    const balances = new Map(accounts.map(({ accountId, balance }) => [accountId, BigInt(balance.replace('.', ''))]))
    const events = await readLog(bank.broker, bank.registryUrl, 'bank.account')
    const { history, contradictions } = workload

    const outcomes = Object.groupBy(history.values(), ({ outcome }) => outcome)
    process.stdout.write(
      `kill lane: ${history.size} commands (${outcomes.committed?.length} committed, ${outcomes.rejected?.length ?? 0} rejected), ${events.length} account events\n`,
    )
    expect(contradictions).toEqual([])
    expect(outcomes.unknown ?? []).toEqual([])
    expect(violations({ events, history, balances })).toEqual([])
    // A run in which nothing happened would prove nothing.
    expect(outcomes.committed?.length).toBeGreaterThan(ROUNDS * 10)

    expect(await bank.stop()).toBe(0)
    await rm(directory, { recursive: true })
  })
})
