import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { endProcess } from '../../test/end-process.ts'
import { residentMib } from '../../test/resident-memory.ts'
import { ROOT } from '../../test/tidy/tree.ts'

/** The bundled broker as a process of its own, with its data on the disk. */
export interface BundledBroker {
  readonly address: string
  readonly directory: string
  /** From the start of the process until it has said that it is ready. */
  readonly startMs: number
  residentMib(): Promise<number>
  /** Ends the process; data stay. */
  end(): Promise<void>
  remove(): Promise<void>
}

export async function startBundled(directory?: string): Promise<BundledBroker> {
  const data = directory ?? (await mkdtemp(join(tmpdir(), 'keyfold-bench-')))
  const startedAt = performance.now()
  const args = [join(ROOT, 'apps/broker/dist/main.js'), '--data', data, '--port', '0', '--json']
  const settings = ['--set', 'group.initial.rebalance.delay.ms=0']
  const child = spawn(process.execPath, [...args, ...settings], { stdio: ['ignore', 'pipe', 'ignore'] })
  const address = await readyAddress(child)
  const startMs = performance.now() - startedAt
  return {
    address,
    directory: data,
    startMs,
    residentMib: () => residentMib(child.pid),
    end: async () => void (await endProcess(child, 'SIGTERM')),
    remove: () => rm(data, { recursive: true }),
  }
}

async function readyAddress(child: ChildProcess): Promise<string> {
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (text: Buffer) => resolve(text.toString()))
    child.once('exit', () => reject(new Error('the bundled broker ended before it was ready')))
  })
  return (JSON.parse(line) as { readonly address: string }).address
}

/** Writes so much through the broker that its memory is that of a broker in use. */
export async function fill(address: string, mib: number): Promise<void> {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'filled', numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
  await producer.connect()
  const messages = Array.from({ length: 64 }, () => ({ value: Buffer.alloc(8192, 'x') }))
  for (let sent = 0; sent < mib * 2; sent += 1) await producer.send({ topic: 'filled', messages })
  await producer.disconnect()
}
