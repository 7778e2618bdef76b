import { connectKafka } from '@keyfold/kafka'
import { startRegistry } from '@keyfold/registry'
import type { Command } from 'commander'
import type { Output } from '../exit-codes.ts'
import { parsePort, untilStopped } from '../process-options.ts'

interface StartOptions {
  readonly kafka: string
  readonly host: string
  readonly port: number
}

export function addRegistryCommands(program: Command, output: Output): void {
  program
    .command('registry')
    .description('the schema registry')
    .helpCommand(false)
    .command('start')
    .description('start a schema registry whose schemas are kept in the topic _schemas')
    .requiredOption('--kafka <host:port,…>', 'brokers to keep the schemas on', process.env['KAFKA_BROKERS'])
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes a free one', parsePort, 8081)
    .action((options: StartOptions) => start(options, output))
}

async function start({ kafka: brokers, host, port }: StartOptions, output: Output): Promise<void> {
  const kafka = await connectKafka({ brokers: brokers.split(','), clientId: 'keyfold-registry' })
  try {
    const registry = await startRegistry({ kafka, host, port })
    output.out(`registry ${registry.url} on ${brokers}`)
    await untilStopped()
    await registry.close()
  } finally {
    await kafka.close()
  }
}
