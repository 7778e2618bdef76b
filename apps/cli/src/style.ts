import { styleText } from 'node:util'
import type { World } from './world.ts'

/** How words are made to stand out; without colours the text is left as it is. */
export interface Style {
  readonly heading: (text: string) => string
}

/** Colours only where a person reads: a terminal that can, unless NO_COLOR or FORCE_COLOR says otherwise. */
export function styleFor({ env, isTerminal }: World): Style {
  return hasColours(env, isTerminal.stdout) ? COLOURED : PLAIN
}

/** FORCE_COLOR wins over NO_COLOR (no-color.org: any text that is not empty), both over what the terminal is. */
export function hasColours(env: World['env'], isTerminal: boolean): boolean {
  const force = env['FORCE_COLOR']
  if (force !== undefined) return force !== '0' && force !== 'false'
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false
  return isTerminal && env['TERM'] !== 'dumb' && !env['CI']
}

const PLAIN: Style = { heading: (text) => text }
const COLOURED: Style = { heading: (text) => styleText('bold', text, { validateStream: false }) }
