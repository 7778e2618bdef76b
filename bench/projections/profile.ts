import { type Profiler, Session } from 'node:inspector'
import { promisify } from 'node:util'

/** Whose code a frame is: the first that its file's address, or its name where it has none, matches. */
const LAYERS: readonly (readonly [layer: string, url: RegExp, name: RegExp])[] = [
  ['garbage collection', /^$/, /^\(garbage collector\)$/],
  [
    'SQL',
    /libs\/projections\/src\/stores\/|\/pg[-/]|node:sqlite|bench\/projections\/contestants/,
    /^(run|all|exec|prepare)$/,
  ],
  ['Avro', /libs\/avro\/|\/avsc\/|event-store\/src\/codec\//, /^bigints$/],
  [
    'Kafka client',
    /libs\/(kafka|bytes|protocol)\/|\/kafkajs\/|node:(net|buffer|internal\/(streams|stream|buffer))/,
    /^(writev|writeBuffer|utf8Slice|crc32c|copy)$/,
  ],
  ['dispatch', /libs\/(projections|eventsourcing|event-store)\//, /^$/],
]

/** Runs something under V8's sampling profiler and answers the share of each layer in what was not idle. */
export async function profiled(
  run: () => Promise<number>,
): Promise<{ seconds: number; shares: Record<string, number> }> {
  const session = new Session()
  session.connect()
  const post = promisify(session.post.bind(session)) as unknown as (method: string) => Promise<unknown>
  await post('Profiler.enable')
  await post('Profiler.start')
  const seconds = await run()
  const { profile } = (await post('Profiler.stop')) as { readonly profile: Profiler.Profile }
  session.disconnect()
  return { seconds, shares: sharesOf(profile) }
}

function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Record<string, number> {
  const layers = new Map(nodes.map(({ id, callFrame }) => [id, layerOf(callFrame)]))
  const micros: Record<string, number> = {}
  let total = 0
  for (const [index, id] of samples.entries()) {
    const layer = layers.get(id)
    if (layer === undefined) continue
    const delta = timeDeltas[index] ?? 0
    micros[layer] = (micros[layer] ?? 0) + delta
    total += delta
  }
  const ordered = Object.entries(micros).toSorted(([, left], [, right]) => right - left)
  return Object.fromEntries(ordered.map(([layer, each]) => [layer, each / total]))
}

/** Undefined for the time in which nothing was done. */
function layerOf({ url, functionName }: Profiler.ProfileNode['callFrame']): string | undefined {
  if (functionName === '(idle)' || functionName === '(program)') return undefined
  const found = LAYERS.find(([, urls, names]) => (url === '' ? names.test(functionName) : urls.test(url)))
  return found?.[0] ?? 'other'
}
