import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../tidy/tree.ts'

const run = promisify(execFile)

export const KAFKA_VERSION = process.env['KAFKA_VERSION'] ?? '4.3.1'
const JARS = join(ROOT, '.cache/kafka', KAFKA_VERSION)

/** What this machine lacks to run Apache Kafka, for people; undefined if it lacks nothing. */
export function whyNoKafka(): string | undefined {
  const java = versionOf('java')
  if (java === undefined) return 'Java 17 or later is not installed'
  const major = Number(/version "(\d+)/.exec(java)?.[1] ?? 0)
  if (major < 17) return `Java 17 or later is needed, this is ${major}`
  if (!existsSync(JARS) && versionOf('mvn') === undefined) {
    return `Maven is not installed (it fetches Apache Kafka ${KAFKA_VERSION})`
  }
  return undefined
}

/** Fetches the jars once. They are moved into place whole: a broken download is not taken for an installation. */
export async function installKafka(): Promise<void> {
  if (existsSync(JARS)) return
  const target = `${JARS}.${process.pid}`
  await mkdir(target, { recursive: true })
  const pom = join(ROOT, 'test/kafka/pom.xml')
  const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${target}`]
  await run('mvn', ['-B', '-q', '-f', pom, `-Dkafka.version=${KAFKA_VERSION}`, ...copy])
  try {
    await rename(target, JARS)
  } catch (error) {
    // Another process may have been quicker.
    if (!existsSync(JARS)) throw error
    await rm(target, { recursive: true })
  }
}

/** Arguments of `java` up to the main class. */
export function javaArguments(options: { readonly heapMib: number; readonly logLevel: 'info' | 'warn' | 'error' }) {
  return [
    `-Xmx${options.heapMib}m`,
    '-XX:+UseG1GC',
    '-Djava.awt.headless=true',
    `-Dorg.slf4j.simpleLogger.defaultLogLevel=${options.logLevel}`,
    '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
    '-cp',
    join(JARS, '*'),
  ]
}

/** What a program says about its version, on either stream; undefined if it cannot be started. */
function versionOf(program: 'java' | 'mvn'): string | undefined {
  try {
    // `2>&1`: Java answers on standard error.
    return execFileSync('sh', ['-c', `${program} -version 2>&1`], { encoding: 'utf8' })
  } catch {
    return undefined
  }
}
