import { plantedBugs } from './planted-bugs.ts'

/*
 * Loaded in front of apps/registry (`node --import`) where a lane wants a registry with a fault. This is the only place
 * that reads KEYFOLD_PLANT: a registry that is started any other way has nothing to switch on.
 */
const name = process.env['KEYFOLD_PLANT'] ?? ''
const plant = Object.entries(plantedBugs).find(([known]) => known === name)?.[1]
if (plant === undefined) throw new Error(`KEYFOLD_PLANT=${name} is none of ${Object.keys(plantedBugs).join(', ')}`)
plant()
