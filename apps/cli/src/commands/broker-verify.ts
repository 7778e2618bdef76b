import type { VerificationFinding } from '@keyfold/broker'
import { defineCommand } from '../command.ts'
import { listOf, objectOf, text, truth, whole } from '../json-schema.ts'

interface VerifyOptions {
  readonly data: string
  readonly repair?: boolean
}

export const brokerVerify = defineCommand<VerifyOptions>({
  path: 'broker verify',
  summary: 'check the data of a broker that is not running, without changing it',
  details: `Journal, checkpoint, every batch, indexes, producers, transactions: one line per finding (kind file@byte: what).`,
  options: [
    { flags: '--data <dir>', description: 'folder with its data', default: '.keyfold/broker' },
    { flags: '--repair', description: 'write indexes that do not fit their logs anew; nothing else is ever changed' },
  ],
  examples: [
    ['keyfold broker verify --data .keyfold/broker', 'check its data; exit 1 when something is wrong'],
    ['keyfold broker verify --repair', 'write damaged indexes anew'],
  ],
  exits: { found: 'something is wrong and was not repaired', usage: 'the directory is in use or not a broker’s' },
  data: objectOf({
    partitions: whole,
    batches: whole,
    repaired: whole,
    findings: listOf(objectOf({ kind: text, place: text, position: whole, what: text, isRepaired: truth })),
    notes: listOf(text),
  }),
  async run(context, { data, repair = false }) {
    const { verifyDataDirectory } = await import('@keyfold/broker')
    const report = await verifyDataDirectory({ dataDirectory: data, repair })
    const { findings, notes, partitions, batches } = report
    for (const each of notes) context.note(`note: ${each}`)
    const left = findings.filter(({ isRepaired }) => !isRepaired).length
    const repaired = findings.length - left
    const summary = `${partitions} partitions, ${batches} batches, ${findings.length} findings, ${repaired} repaired`
    return {
      status: left === 0 ? 'ok' : 'found',
      data: { partitions, batches, repaired, findings, notes },
      lines: [...findings.map(lineOf), summary],
      ids: findings.map(({ place }) => place),
      items: findings,
    }
  },
})

function lineOf({ kind, place, position, what, isRepaired }: VerificationFinding): string {
  return `${kind} ${place}${position < 0 ? '' : `@${position}`}: ${what}${isRepaired ? ' (repaired)' : ''}`
}
