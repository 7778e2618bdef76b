import { CliError } from '../cli-error.ts'

/** Where an event lies. */
export interface EventPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** `bank.account/2@117` */
export function placeOf({ topic, partition, offset }: EventPlace): string {
  return `${topic}/${partition}@${offset}`
}

/** Reads what `placeOf` writes; `what` names it in the error. Errors: `USAGE`. */
export function parsePlace(place: string, what: string): EventPlace {
  const [, topic, partition, offset] = /^(.+)\/(\d{1,9})@(\d{1,15})$/.exec(place) ?? []
  if (topic === undefined) throw new CliError('USAGE', `${what} ${place}: give it as topic/partition@offset`)
  return { topic, partition: Number(partition), offset: Number(offset) }
}
