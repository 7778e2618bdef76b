import { contestants, type ContestantName, type Places } from './contestants.ts'
import { profiled } from './profile.ts'

/** What one contestant took, in a process of its own: nothing that another has compiled or kept helps it. */
export interface Result {
  readonly perSecond: number
  /** Of the reading process, its start included. */
  readonly cpuMicrosPerEvent: number
  /** Resident memory after a quarter, a half, and all of the time. */
  readonly residentMib: readonly number[]
  /** Share of each layer, with `--profile`. */
  readonly shares: Readonly<Record<string, number>> | undefined
}

const SAMPLE_EVERY_MS = 100
const [name, places, withProfile] = JSON.parse(process.argv[2] ?? '[]') as [ContestantName, Places, boolean]
const resident: number[] = []
const sample = (): void => void resident.push(process.memoryUsage.rss() / 2 ** 20)
const sampling = setInterval(sample, SAMPLE_EVERY_MS)
const run = () => contestants[name](places)
const { seconds, shares } = withProfile ? await profiled(run) : { seconds: await run(), shares: undefined }
clearInterval(sampling)
sample()
const { user, system } = process.cpuUsage()
const cpuMicrosPerEvent = (user + system) / places.address.events
const at = (share: number): number => resident[Math.ceil(share * resident.length) - 1] ?? Number.NaN
const residentMib = [at(0.25), at(0.5), at(1)]
const result: Result = { perSecond: places.address.events / seconds, cpuMicrosPerEvent, residentMib, shares }
process.stdout.write(JSON.stringify(result))
process.exit(0)
