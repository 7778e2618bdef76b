import type { KafkaNode } from '../../test/kafka/kafka-node.ts'
import { millis, median } from '../figures.ts'
import type { Amounts } from './measure.ts'
import { fill, startBundled } from './processes.ts'

/** (f): process start to ready on a directory that was used, memory when idle and after writing. Rows of the table. */
export async function startAndMemory(kafka: KafkaNode | undefined, kafkaAddress: string, amounts: Amounts) {
  const ours = await measureOurs(amounts)
  const theirs = kafka === undefined ? undefined : await measureKafka(kafka, kafkaAddress, amounts)
  const mib = (value: number | undefined) => (value === undefined ? '-' : `${value.toFixed(0)} MiB`)
  return [
    ['start, used directory', millis(ours.startMs), theirs === undefined ? '-' : millis(theirs.startMs)],
    ['resident memory, idle', mib(ours.idleMib), mib(theirs?.idleMib)],
    [`resident memory after ${amounts.memoryMib} MiB`, mib(ours.filledMib), mib(theirs?.filledMib)],
  ]
}

async function measureOurs({ rounds, memoryMib }: Amounts) {
  const first = await startBundled()
  await first.end()
  const starts: number[] = []
  const idle: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const broker = await startBundled(first.directory)
    starts.push(broker.startMs)
    await settled()
    idle.push(await broker.residentMib())
    await broker.end()
  }
  const broker = await startBundled(first.directory)
  await fill(broker.address, memoryMib)
  const filledMib = await broker.residentMib()
  await broker.end()
  await broker.remove()
  return { startMs: median(starts), idleMib: median(idle), filledMib }
}

async function measureKafka(node: KafkaNode, address: string, { rounds, memoryMib }: Amounts) {
  const starts: number[] = []
  const idle: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    await node.stop()
    const startedAt = performance.now()
    await node.start()
    starts.push(performance.now() - startedAt)
    await settled()
    idle.push(await node.residentMib())
  }
  await fill(address, memoryMib)
  return { startMs: median(starts), idleMib: median(idle), filledMib: await node.residentMib() }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1000))
}
