import { createReadStream } from 'node:fs'
import { CliError } from './cli-error.ts'
import type { World } from './world.ts'

/** Nothing on a command line is longer. */
const LINE_BYTES_MAX = 16 * 1024 * 1024

/** The bytes of a file, or of stdin for `-`. Errors: `FILE_UNREADABLE`. */
export async function* inputChunks(path: string, world: World): AsyncGenerator<Uint8Array> {
  try {
    yield* path === '-' ? world.stdin : createReadStream(path)
  } catch (error) {
    throw new CliError('FILE_UNREADABLE', `${path === '-' ? 'stdin' : path}: ${(error as Error).message}`)
  }
}

/** Lines as they come: one array for each chunk that ended some. The last line needs no line feed. */
export async function* inputLines(path: string, world: World): AsyncGenerator<readonly Buffer[]> {
  let open: Buffer[] = []
  let openBytes = 0
  for await (const chunk of inputChunks(path, world)) {
    const lines: Buffer[] = []
    let at = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, at)) {
      lines.push(withoutReturn(Buffer.concat([...open, chunk.subarray(at, end)])))
      open = []
      openBytes = 0
      at = end + 1
    }
    if (at < chunk.length) open.push(Buffer.from(chunk.subarray(at)))
    openBytes += chunk.length - at
    if (openBytes > LINE_BYTES_MAX) throw new CliError('INPUT_INVALID', `a line of more than ${LINE_BYTES_MAX} bytes`)
    if (lines.length > 0) yield lines
  }
  if (open.length > 0) yield [withoutReturn(Buffer.concat(open))]
}

const LINE_FEED = 10
const RETURN = 13

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line
}
