import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '@keyfold/broker'
import { installKafka, KAFKA_VERSION, whyNoKafka } from '../../kafka/distribution.ts'
import { administration } from './administration.ts'
import { type Bench, brokerTool, type Check } from './checks.ts'
import { traffic } from './traffic.ts'

/** Runs the checks whose names contain one of the arguments, or all. */
async function main(only: readonly string[]): Promise<void> {
  const checks = [...administration, ...traffic].filter(
    ({ name }) => only.length === 0 || only.some((word) => name.includes(word)),
  )
  const missing = whyNoKafka()
  if (missing !== undefined) {
    print(`Apache Kafka's tools cannot be run: ${missing}.`)
    print(`0 passed, 0 failed, ${checks.length} skipped`)
    return
  }
  await installKafka()
  print(`Apache Kafka ${KAFKA_VERSION}'s tools against the bundled broker`)
  const directory = await mkdtemp(join(tmpdir(), 'keyfold-kafka-tools-'))
  const dataDirectory = join(directory, 'data')
  const broker = await startBroker({ dataDirectory, config: { 'group.initial.rebalance.delay.ms': 0 } })
  const bench: Bench = {
    address: broker.address,
    endBroker: async () => {
      await broker.close()
      return dataDirectory
    },
    file: async (name, text) => {
      const path = join(directory, name)
      await writeFile(path, text)
      return path
    },
    tool: (name, args, options) => brokerTool(broker.address, name, args, options),
  }
  const failed = await runAll(checks, bench)
  await broker.close()
  await rm(directory, { recursive: true })
  print(`${checks.length - failed} passed, ${failed} failed, 0 skipped`)
  process.exitCode = failed > 0 ? 1 : 0
}

async function runAll(checks: readonly Check[], bench: Bench): Promise<number> {
  let failed = 0
  for (const check of checks) {
    try {
      await check.run(bench)
      print(`ok    ${check.name}`)
    } catch (error) {
      failed += 1
      print(`FAIL  ${check.name}\n${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return failed
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

await main(process.argv.slice(2))
