import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Does something with a directory that is there for as long as it takes. */
export async function inTemporaryDirectory<Answer>(work: (directory: string) => Promise<Answer>): Promise<Answer> {
  const directory = await mkdtemp(join(tmpdir(), 'keyfold-bench-'))
  try {
    return await work(directory)
  } finally {
    // After a failure something may still write there.
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}
