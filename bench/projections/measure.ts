import { contestants, type ContestantName, type Places } from './contestants.ts'

/** One contestant, once, in a process of its own: nothing that another has compiled or kept helps it. */
const [name, places] = JSON.parse(process.argv[2] ?? '[]') as [ContestantName, Places]
const seconds = await contestants[name](places)
const residentMib = process.resourceUsage().maxRSS / 1024
const { user, system } = process.cpuUsage()
const cpuMicrosPerEvent = (user + system) / places.address.events
process.stdout.write(JSON.stringify({ perSecond: places.address.events / seconds, cpuMicrosPerEvent, residentMib }))
process.exit(0)
