import { PassThrough } from 'node:stream'
import { StreamableFile } from '@nestjs/common'
import { problemOf } from '../problem.filter.ts'

/**
 * Answers a long job as lines of JSON while it runs: `{"progress": …}` now and then, at the end `{"done": …}` or
 * `{"problem": …}`. The job goes on when the caller hangs up.
 */
export function jobStream<Progress, Result>(
  job: (tell: (progress: Progress) => void) => Promise<Result>,
): StreamableFile {
  const lines = new PassThrough()
  const write = (line: object): void => {
    if (!lines.destroyed) lines.write(`${JSON.stringify(line)}\n`)
  }
  job((progress) => {
    // A caller that does not read gets fewer reports, not a full memory.
    if (lines.writableLength < BUFFERED_MAX) write({ progress })
  })
    .then(
      (done) => write({ done }),
      (error: unknown) => write({ problem: problemOf(error) }),
    )
    .finally(() => lines.end())
  return new StreamableFile(lines, { type: 'application/x-ndjson' })
}

const BUFFERED_MAX = 256 * 1024
