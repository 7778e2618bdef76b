import { spawn } from 'node:child_process'
import { installKafka, javaArguments } from './distribution.ts'

const TOOLS = 'org.apache.kafka.tools'

/** Apache Kafka's command line tools by the names of their scripts. */
export const toolClasses = {
  topics: `${TOOLS}.TopicCommand`,
  configs: 'kafka.admin.ConfigCommand',
  groups: `${TOOLS}.consumer.group.ConsumerGroupCommand`,
  offsets: `${TOOLS}.GetOffsetShell`,
  'delete-records': `${TOOLS}.DeleteRecordsCommand`,
  transactions: `${TOOLS}.TransactionsCommand`,
  'log-dirs': `${TOOLS}.LogDirsCommand`,
  features: `${TOOLS}.FeatureCommand`,
  'api-versions': `${TOOLS}.BrokerApiVersionsCommand`,
  'console-producer': `${TOOLS}.ConsoleProducer`,
  'console-consumer': `${TOOLS}.consumer.ConsoleConsumer`,
  'verifiable-producer': `${TOOLS}.VerifiableProducer`,
  'verifiable-consumer': `${TOOLS}.VerifiableConsumer`,
  'producer-perf': `${TOOLS}.ProducerPerformance`,
  'consumer-perf': `${TOOLS}.ConsumerPerformance`,
  'e2e-latency': `${TOOLS}.EndToEndLatency`,
  'dump-log': `${TOOLS}.DumpLogSegments`,
} as const

export type ToolName = keyof typeof toolClasses

export interface ToolRun {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface ToolOptions {
  /** What the tool reads from standard input. */
  readonly input?: string
  /** Asks the tool to end (SIGTERM) as soon as this returns true for what it has printed. */
  readonly endWhen?: (stdout: string) => boolean
  /** Lets the JVM optimise all it can: slower to start, and what a measurement needs. */
  readonly isMeasured?: boolean
  /** SIGKILL after this time: then the exit code is null. */
  readonly timeoutMs?: number
}

/** Runs a tool to its end. It works against any broker that its arguments name. */
export async function runTool(name: ToolName, args: readonly string[], options: ToolOptions = {}): Promise<ToolRun> {
  await installKafka()
  const java = javaArguments({ heapMib: 512, logLevel: 'error' })
  const quickStart = options.isMeasured === true ? [] : ['-XX:TieredStopAtLevel=1']
  const child = spawn('java', [...quickStart, ...java, toolClasses[name], ...args])
  let stdout = ''
  let stderr = ''
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
  child.stdout.on('data', (text: Buffer) => {
    stdout += text.toString()
    if (options.endWhen?.(stdout) === true) child.kill('SIGTERM')
  })
  child.stdin.on('error', () => {}) // a tool may end before it has read everything
  child.stdin.end(options.input ?? '')
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000)
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  clearTimeout(timer)
  return { exitCode, stdout, stderr }
}
