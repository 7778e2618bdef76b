import { startApacheKafka } from './apache-kafka.ts'
import { KAFKA_VERSION, whyNoKafka } from './distribution.ts'
import { runTool, toolClasses, type ToolName } from './tools.ts'

/** By hand: `start [1|3]` runs nodes until Ctrl-C, `tool NAME ARGS…` runs one of Apache Kafka's tools. */
async function main([command, ...rest]: readonly string[]): Promise<void> {
  const missing = whyNoKafka()
  if (missing !== undefined) return fail(missing)
  if (command === 'start') return start(rest[0] === '3' ? 3 : 1)
  const [name = '', ...args] = rest
  if (command === 'tool' && name in toolClasses) {
    const run = await runTool(name as ToolName, args)
    process.stdout.write(run.stdout)
    process.stderr.write(run.stderr)
    process.exitCode = run.exitCode ?? 1
    return
  }
  fail(`usage: start [1|3] | tool NAME ARGS…, where NAME is one of ${Object.keys(toolClasses).join(', ')}`)
}

async function start(nodes: 1 | 3): Promise<void> {
  const kafka = await startApacheKafka({ nodes })
  process.stdout.write(`Apache Kafka ${KAFKA_VERSION} on ${kafka.addresses.join(',')}; Ctrl-C ends it\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void kafka.stop())
}

function fail(what: string): void {
  process.stderr.write(`${what}\n`)
  process.exitCode = 64
}

await main(process.argv.slice(2))
