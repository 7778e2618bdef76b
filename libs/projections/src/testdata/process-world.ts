import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ProjectorDescriptor } from '@keyfold/eventsourcing'
import { InMemoryKafka } from '@keyfold/testing'
import { afterEach, beforeEach } from 'vitest'
import { openProjections, type Projections, type ProjectionsOptions, SqliteReadModelStore } from '../index.ts'
import { balances, codec, type Ledger } from './ledger.ts'

export interface ProcessWorld {
  /** Where the read models of the present test are. */
  readonly directory: string
  /** What another process would open on the same cluster and directory: the projector `balances`, unless others are named. */
  open(ledger: Ledger, projectors?: Projectors, options?: Partial<ProjectionsOptions>): Promise<Projections>
  /** The same, started. */
  started(ledger: Ledger, projectors?: Projectors, options?: Partial<ProjectionsOptions>): Promise<Projections>
}

type Projectors = ProjectorDescriptor | readonly ProjectorDescriptor[]

/** Gives every test of a file a directory of its own; closes whatever was opened on it. */
export function processWorld(): ProcessWorld {
  const opened: Projections[] = []
  let directory = ''

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'keyfold-projections-'))
  })

  afterEach(async () => {
    for (const projections of opened.splice(0)) await projections.close()
    await rm(directory, { recursive: true })
  })

  const open: ProcessWorld['open'] = async (ledger, projectors = balances(), options = {}) => {
    const projections = await openProjections({
      kafka: new InMemoryKafka(ledger.kafka.log),
      codec,
      projectors: [projectors].flat(),
      stores: { sqlite: new SqliteReadModelStore({ directory }) },
      retry: { firstDelayMs: 1, delayMsMax: 2 },
      ...options,
    })
    opened.push(projections)
    return projections
  }

  return {
    get directory() {
      return directory
    },
    open,
    started: async (...what) => {
      const projections = await open(...what)
      await projections.start()
      return projections
    },
  }
}
