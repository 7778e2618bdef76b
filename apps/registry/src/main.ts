import { connectKafka } from '@keyfold/kafka'
import { startRegistry } from '@keyfold/registry'
import { failureLine, failureExitCode } from './failure.ts'
import { parseOptions } from './options.ts'

/** The schema registry as a process: state in `_schemas` of the cluster that it is given, REST API on a port. */
async function main(): Promise<void> {
  const { host, port, kafka: brokers, replicationFactor } = parseOptions(process.argv.slice(2), process.env)
  const kafka = await connectKafka({ brokers, clientId: 'keyfold-registry' })
  try {
    const replication = replicationFactor === undefined ? {} : { replicationFactor }
    const registry = await startRegistry({ kafka, host, port, ...replication })
    process.stdout.write(`registry ${registry.url} on ${brokers.join(',')}\n`)
    await new Promise((resolve) => {
      process.once('SIGINT', resolve)
      process.once('SIGTERM', resolve)
    })
    await registry.close()
  } finally {
    await kafka.close()
  }
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${failureLine(error)}\n`)
  process.exitCode = failureExitCode(error)
}
