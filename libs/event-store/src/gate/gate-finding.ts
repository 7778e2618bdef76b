import { fail } from '../errors.ts'

/** One thing that the code cannot read. */
export interface GateFinding {
  readonly subject: string
  /** In the registry, or of the event where it was found in the log; undefined when neither is known. */
  readonly version: number | undefined
  /** By names; undefined when it is not about one field. */
  readonly field: string | undefined
  readonly reason: string
  readonly fix: string
  /** Of a stored record: `topic/partition/offset`. */
  readonly place: string | undefined
}

/** This many findings are told in words; all are in the details. */
const toldMax = 5

export function findingInWords({ subject, version, reason, place }: GateFinding): string {
  const which = version === undefined ? subject : `${subject} version ${version}`
  return place === undefined ? `${which}: ${reason}` : `${which} at ${place}: ${reason}`
}

/** The refusal to start. */
export function gateRefusal(findings: readonly GateFinding[]): Error {
  const told = findings.slice(0, toldMax).map((finding) => `${findingInWords(finding)} (${finding.fix})`)
  const more = findings.length > toldMax ? `; and ${findings.length - toldMax} more` : ''
  return fail('GATE_REFUSED', `this code cannot read what is there: ${told.join('; ')}${more}`, {
    details: { findings },
  })
}
