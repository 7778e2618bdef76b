import { verifyDataDirectory, type VerificationFinding } from '@keyfold/broker'
import type { Command } from 'commander'
import { EXIT, type Output } from '../exit-codes.ts'

interface VerifyOptions {
  readonly data: string
  readonly repair?: boolean
  readonly json?: boolean
}

/** Adds `broker verify`: exit code 0 when all is well or was repaired, 1 when something is left. */
export function addBrokerVerify(broker: Command, output: Output, exit: (code: number) => void): void {
  broker
    .command('verify')
    .description('check the data of a broker that is not running, without changing it')
    .option('--data <dir>', 'folder with its data', '.keyfold/broker')
    .option('--repair', 'write indexes that do not fit their logs anew; nothing else is ever changed')
    .option('--json', 'one JSON object per finding, and one for the whole')
    .action(async (options: VerifyOptions) => exit(await verify(options, output)))
}

async function verify({ data, repair = false, json = false }: VerifyOptions, output: Output): Promise<number> {
  const { findings, notes, partitions, batches } = await verifyDataDirectory({ dataDirectory: data, repair })
  for (const finding of findings) output.out(json ? JSON.stringify(finding) : lineOf(finding))
  for (const note of notes) output.err(`note: ${note}`)
  const left = findings.filter(({ isRepaired }) => !isRepaired).length
  const summary = { partitions, batches, findings: findings.length, repaired: findings.length - left }
  const counts = `${summary.partitions} partitions, ${batches} batches, ${findings.length} findings`
  output.out(json ? JSON.stringify(summary) : `${counts}, ${summary.repaired} repaired`)
  return left === 0 ? EXIT.ok : EXIT.found
}

function lineOf({ kind, place, position, what, isRepaired }: VerificationFinding): string {
  return `${kind} ${place}${position < 0 ? '' : `@${position}`}: ${what}${isRepaired ? ' (repaired)' : ''}`
}
