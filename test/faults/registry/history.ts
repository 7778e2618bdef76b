/** One registration that a client asked for. */
export interface Registration {
  readonly client: number
  readonly subject: string
  readonly schema: string
  /** `acknowledged` came with an id; everything else may have been carried out or not. */
  outcome: 'acknowledged' | 'refused' | 'unknown'
  id?: number
  version?: number
  /** What a registry said instead. */
  refusal?: string
}

/** What a registry answered when it was asked for an id. */
export interface LookUp {
  readonly id: number
  readonly schema: string
}

/** A version as the log or the REST API has it in the end. */
export interface Version {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly schema: string
}

/** Everything that clients did and saw in a run. */
export class History {
  readonly registrations: Registration[] = []
  readonly lookUps: LookUp[] = []
  /** Ids that a registry did not know although it had just acknowledged them. */
  readonly forgotten: string[] = []
  /** Every SCHEMA record of the topic, in order, read without a registry. */
  log: readonly Version[] = []
  /** What a registry says that was started afterwards. */
  final: readonly Version[] = []

  get acknowledged(): readonly Required<Omit<Registration, 'refusal'>>[] {
    return this.registrations.filter(
      (each): each is Required<Registration> => each.outcome === 'acknowledged' && each.id !== undefined,
    )
  }
}
