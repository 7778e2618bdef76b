import { connectKafka } from '@keyfold/kafka'
import { type RegistryLog, startRegistry } from '@keyfold/registry'
import { failureLine, failureExitCode } from './failure.ts'
import { parseOptions, type RegistryAppOptions } from './options.ts'

/** The schema registry as a process: state in `_schemas` of the cluster that it is given, REST API on a port. */
async function main(): Promise<void> {
  const { kafka: brokers, ...options } = parseOptions(process.argv.slice(2), process.env)
  const kafka = await connectKafka({ brokers, clientId: 'keyfold-registry' })
  try {
    const registry = await startRegistry({ kafka, ...given(options), tell })
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

/** One line of JSON for each thing worth knowing, on stderr. */
const tell: RegistryLog = (level, message, fields = {}) => {
  if (level === 'debug') return
  const error = fields['error'] instanceof Error ? { error: String(fields['error']) } : {}
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields, ...error })}\n`)
}

/** Without the options that were not given: the library has its own defaults. */
function given(options: Omit<RegistryAppOptions, 'kafka'>) {
  const { host, port, replicationFactor, advertisedUrl, writeTimeoutMs, answers } = options
  return {
    host,
    port,
    answers: { members: answers },
    ...(replicationFactor !== undefined && { replicationFactor }),
    ...(advertisedUrl !== undefined && { advertisedUrl }),
    ...(writeTimeoutMs !== undefined && { writeTimeoutMs }),
  }
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${failureLine(error)}\n`)
  process.exitCode = failureExitCode(error)
}
