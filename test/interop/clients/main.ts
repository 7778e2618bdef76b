import { type Outcome, runClient } from './client-program.ts'
import { SCENARIOS } from './scenarios.ts'
import { ApacheKafkaCluster, BundledBroker } from './target.ts'

/**
 * Lets a client of another language go through the scenarios: `main.ts '<scenario> …' <program> <arguments>`. The
 * program is told the broker's address and the scenarios, all if none is named. KEYFOLD_TARGET=kafka: on an Apache
 * Kafka.
 */
async function main([only = '', ...command]: string[]): Promise<void> {
  const names = only.split(' ').filter((name) => name !== '')
  const asked = names.length > 0 ? names : Object.keys(SCENARIOS)
  const unknown = asked.filter((name) => !(name in SCENARIOS))
  if (unknown.length > 0) throw new Error(`there is no scenario ${unknown.join(', ')}`)
  const target = await (process.env['KEYFOLD_TARGET'] === 'kafka' ? ApacheKafkaCluster : BundledBroker).start()
  const tally = new Tally(asked)
  try {
    await runClient([...command, target.address, ...asked], {
      onOutcome: (outcome) => tally.add(outcome),
      killBroker: () => target.killAndStart(),
    })
  } finally {
    await target.stop()
  }
  tally.close()
}

/** Counts outcomes. A scenario that was asked for and never told of has failed. */
class Tally {
  readonly #open: Set<string>
  readonly #counts = { passed: 0, failed: 0, skipped: 0 }

  constructor(asked: readonly string[]) {
    this.#open = new Set(asked)
  }

  add({ verdict, scenario, text }: Outcome): void {
    this.#counts[this.#open.delete(scenario) ? verdict : 'failed'] += 1
    const reason = text === '' ? SCENARIOS[scenario] : text
    console.log(`${verdict === 'passed' ? 'ok    ' : `${verdict.toUpperCase()} `}${scenario}: ${reason}`)
  }

  close(): void {
    for (const scenario of this.#open) this.add({ verdict: 'failed', scenario, text: 'the program never told' })
    const { passed, failed, skipped } = this.#counts
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
    process.exitCode = failed > 0 || passed === 0 ? 1 : 0
  }
}

await main(process.argv.slice(2))
