import { startBroker } from '@keyfold/broker'
import type { Command } from 'commander'
import type { Output } from '../exit-codes.ts'
import { parsePort, untilStopped } from '../process-options.ts'
import { addBrokerVerify } from './broker-verify.ts'

interface StartOptions {
  readonly data: string
  readonly host: string
  readonly port: number
  readonly memory?: boolean
}

export function addBrokerCommands(program: Command, output: Output, exit: (code: number) => void): void {
  const broker = program.command('broker').description('the bundled broker').helpCommand(false)
  addBrokerVerify(broker, output, exit)
  broker
    .command('start')
    .description('start a Kafka-compatible broker')
    .option('--data <dir>', 'folder for its data', '.keyfold/broker')
    .option('--memory', 'keep nothing on disk: everything is gone when it stops')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes a free one', parsePort, 9092)
    .action((options: StartOptions) => start(options, output))
}

async function start({ data, memory, host, port }: StartOptions, output: Output): Promise<void> {
  const broker = await startBroker({ host, port, ...(memory ? { memory } : { dataDirectory: data }) })
  output.out(`broker ${broker.address} ${memory ? 'in memory' : `in ${data}`}`)
  const failure = await Promise.race([untilStopped(), broker.stopped])
  await broker.close()
  if (failure) throw failure
}
