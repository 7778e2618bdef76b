import { inTemporaryDirectory } from '../temporary-directory.ts'
import { openBareLoop } from './bare-loop.ts'
import { type Load, measureLoop } from './closed-loop.ts'
import { openEmmett } from './emmett.ts'
import { openKeyfold } from './keyfold.ts'
import { roundTripsPerCommit } from './requests.ts'

export type ContestantName = 'keyfold' | 'bare kafkajs loop' | 'emmett, PostgreSQL' | 'emmett, in memory'

export interface Place {
  readonly broker: string
  readonly partitions: number
  readonly eventBytes: number
  readonly emmett: string | undefined
  readonly postgres: string | undefined
}

/** One contestant in a process of its own, under one load after the other. */
const [name, place, loads] = JSON.parse(process.argv[2] ?? '[]') as [ContestantName, Place, readonly Load[]]
await inTemporaryDirectory(async (dataDirectory) => {
  const { execute, end } = await open(dataDirectory)
  for (const load of loads) {
    const figures = await measureLoop(execute, load)
    process.stdout.write(`${JSON.stringify({ ...figures, roundTrips: roundTripsPerCommit() })}\n`)
  }
  await end()
})
process.exit(0)

function open(dataDirectory: string) {
  if (name === 'keyfold') return openKeyfold({ ...place, dataDirectory })
  if (name === 'bare kafkajs loop') return openBareLoop(place)
  const postgres = name === 'emmett, PostgreSQL' ? place.postgres : undefined
  return openEmmett({ directory: place.emmett ?? '', postgres, eventBytes: place.eventBytes })
}
