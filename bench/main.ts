import { totalmem } from 'node:os'
import { benchBroker } from './broker.ts'
import { benchCommands } from './commands.ts'
import { machine } from './figures.ts'

/**
 * First figures of the whole: durable commands, a rebuild, and what the broker costs. Everything runs on this machine at
 * once, so figures of other machines, or of one that is busy, say little beside these. Compare ratios, in one run.
 */
async function main(): Promise<void> {
  process.stdout.write(
    `${machine()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}\n` +
      `bundled broker in a thread of the same process, durability fsync (group commit), TCP on loopback\n\n`,
  )
  await benchCommands()
  await benchBroker()
}

await main()
