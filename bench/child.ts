import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface ChildOptions {
  /** What it runs: `source` for the libraries' sources, `dist` for what only runs when it is built, such as decorators. */
  readonly conditions: 'source' | 'dist'
  readonly environment?: Readonly<Record<string, string>>
}

/** Runs a file in a process of its own and answers what it said, a value per line. */
export async function runChild<Answer>(
  file: string,
  input: unknown,
  options: ChildOptions,
): Promise<readonly Answer[]> {
  const conditions = options.conditions === 'source' ? ['--conditions=@keyfold/source'] : []
  const parameters = [...conditions, '--no-warnings', file, JSON.stringify(input)]
  const env = { ...process.env, ...options.environment }
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { env })
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer)
}
