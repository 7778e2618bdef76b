import { runTool, type ToolName, type ToolOptions } from '../../kafka/tools.ts'

/** What a check works with: a broker of its own would be slow, so names are the check's own. */
export interface Bench {
  readonly address: string
  /** The broker's data directory, with segments written: ends the broker, so only for the last check. */
  readonly endBroker: () => Promise<string>
  /** A file with the given text, for tools that want one. */
  readonly file: (name: string, text: string) => Promise<string>
  /** Runs a tool with `--bootstrap-server` and expects it to end well. Its standard output comes back. */
  readonly tool: (name: ToolName, args: readonly string[], options?: ToolOptions) => Promise<string>
}

export interface Check {
  readonly name: string
  readonly run: (bench: Bench) => Promise<void>
}

/** Throws with the whole output if a part is not there. */
export function contains(output: string, ...parts: readonly (string | RegExp)[]): void {
  for (const part of parts) {
    const isThere = typeof part === 'string' ? output.includes(part) : part.test(output)
    if (!isThere) throw new Error(`${part} is not in the output:\n${output}`)
  }
}

export function lacks(output: string, part: string): void {
  if (output.includes(part)) throw new Error(`${part} is in the output:\n${output}`)
}

/** Runs a tool that talks to a broker. */
export async function brokerTool(
  address: string,
  name: ToolName,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  const run = await runTool(name, ['--bootstrap-server', address, ...args], options)
  const isEndedByUs = options.endWhen !== undefined && run.exitCode === 143
  if (run.exitCode !== 0 && !isEndedByUs) {
    throw new Error(`${name} ${args.join(' ')} ended with ${run.exitCode}:\n${run.stdout}\n${run.stderr}`)
  }
  return run.stdout
}
