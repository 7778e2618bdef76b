import { Readable } from 'node:stream'
import { StreamableFile } from '@nestjs/common'

/**
 * Runs a job that reports as it goes, and answers with its reports as lines of JSON. A job that fails before its first
 * report fails the request; one that fails later ends the stream with a line `{ "error": … }`.
 */
export async function progressStream<Report, Result>(
  job: (report: (report: Report) => void) => Promise<Result>,
  describe: { readonly report: (report: Report) => unknown; readonly result: (result: Result) => unknown },
): Promise<StreamableFile> {
  const stream = new Readable({ read: () => {} })
  const line = (value: unknown) => stream.push(`${JSON.stringify(value)}\n`)
  let begun = false
  await new Promise<void>((resolve, reject) => {
    const finished = job((report) => {
      begun = true
      line(describe.report(report))
      resolve()
    }).then(
      (result) => void line(describe.result(result)),
      (error: unknown) => (begun ? void line({ error: String(error) }) : reject(error as Error)),
    )
    void finished.then(() => {
      stream.push(null)
      resolve()
    })
  })
  return new StreamableFile(stream, { type: 'application/x-ndjson' })
}
