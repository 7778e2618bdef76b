import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../tidy/tree.ts'

const run = promisify(execFile)
const JARS = join(ROOT, '.cache/kafka/4.1.1')

/** One node of a real Apache Kafka (KRaft), without Docker: Java 17 runs it, Maven brings it. */
export interface ApacheKafka {
  /** `host:port` */
  readonly address: string
  stop(): Promise<void>
}

export async function startApacheKafka(): Promise<ApacheKafka> {
  await install()
  const directory = await mkdtemp(join(tmpdir(), 'keyfold-apache-kafka-'))
  const [port, controllerPort] = [await freePort(), await freePort()]
  const settings = join(directory, 'server.properties')
  await writeFile(settings, properties({ port, controllerPort, directory }))
  const clusterId = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')
  await run('java', [...JAVA, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', settings])

  const child = spawn('java', ['-Xmx512m', ...JAVA, 'kafka.Kafka', settings], { stdio: ['ignore', 'pipe', 'pipe'] })
  await untilStarted(child)
  return {
    address: `127.0.0.1:${port}`,
    stop: async () => {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      await rm(directory, { recursive: true })
    },
  }
}

const JAVA = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=info', '-cp', join(JARS, '*')]

/** Fetches the jars once. They are moved into place whole, so that a broken download is not taken for an installation. */
async function install(): Promise<void> {
  if (existsSync(JARS)) return
  const target = `${JARS}.${process.pid}`
  await mkdir(target, { recursive: true })
  const pom = join(ROOT, 'test/kafka/pom.xml')
  await run('mvn', [
    '-B',
    '-q',
    '-f',
    pom,
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${target}`,
  ])
  await rename(target, JARS)
}

async function untilStarted(child: ChildProcess): Promise<void> {
  let log = ''
  await new Promise<void>((resolve, reject) => {
    const read = (text: Buffer) => {
      log = (log + text.toString()).slice(-20_000)
      if (log.includes('Kafka Server started')) resolve()
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.on('exit', () => reject(new Error(`Apache Kafka ended before it had started:\n${log}`)))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

function properties(node: {
  readonly port: number
  readonly controllerPort: number
  readonly directory: string
}): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${node.controllerPort}
listeners=PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}
controller.listener.names=CONTROLLER
log.dirs=${node.directory}/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
`
}
