import { KeyfoldRuntime } from '@keyfold/nest'
import type { Progress, ProjectorStatus, RebuildReport } from '@keyfold/projections'
import { Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common'
import { progressStream } from './progress-stream.ts'

/** The read models: how they stand, and building them from offset zero, with progress as lines of JSON. */
@Controller('projections')
export class ProjectionsController {
  readonly #runtime: KeyfoldRuntime

  constructor(@Inject(KeyfoldRuntime) runtime: KeyfoldRuntime) {
    this.#runtime = runtime
  }

  @Get()
  list() {
    return this.#runtime.projections.status().map(describeStatus)
  }

  /** Starts a projector that waits for it; it is built from offset zero and then goes on by itself, for good. */
  @Post(':name/start')
  @HttpCode(200)
  start(@Param('name') name: string) {
    return progressStream<Progress, ProjectorStatus>(
      (onProgress) => this.#runtime.projections.startProjector(name, { onProgress }),
      { report: describeProgress, result: describeStatus },
    )
  }

  /** Builds it anew beside the one that serves, compares the two, and switches. */
  @Post(':name/rebuild')
  @HttpCode(200)
  rebuild(@Param('name') name: string) {
    return progressStream<Progress, RebuildReport>(
      (onProgress) => this.#runtime.projections.rebuild(name, { onProgress }),
      { report: describeProgress, result: (report) => ({ report }) },
    )
  }
}

function describeProgress({ phase, done, total, events, eventsPerSecond, etaSeconds }: Progress) {
  return { phase, done, total, events, eventsPerSecond, etaSeconds }
}

function describeStatus({ projector, version, generation, state, error, partitions }: ProjectorStatus) {
  const lagRecords = partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0)
  return { name: projector, version, generation, state, lagRecords, ...(error && { error: String(error) }) }
}
