/** Several processes of one application that share the partitions of each projector. */
export interface Sharing {
  /** Names the groups: `<application>.<projector>.v<version>`. */
  readonly application: string
  /** No other process has it. */
  readonly instanceId: string
  /** `api` applies nothing, it only reads and waits. Default `all`. */
  readonly role?: 'all' | 'worker' | 'api'
  /** A name that survives restarts. Default: the instance's id. */
  readonly slot?: string
  /** A process that is silent for so long loses its partitions, in milliseconds. Default 10,000. */
  readonly sessionTimeoutMs?: number
  /** Default 500. */
  readonly heartbeatIntervalMs?: number
  /** How often the store is asked what the others have done, in milliseconds; waits ask every 10. Default 500. */
  readonly lookEveryMs?: number
}

export type SharingSettings = Required<Sharing>

export function sharingSettings(options: Sharing): SharingSettings {
  const { application, instanceId, role = 'all', slot = instanceId } = options
  const { sessionTimeoutMs = 10_000, heartbeatIntervalMs = 500, lookEveryMs = 500 } = options
  return { application, instanceId, role, slot, sessionTimeoutMs, heartbeatIntervalMs, lookEveryMs }
}

/** The name of the group that shares a projector's partitions: of one version, since only its code can apply it. */
export function projectorsGroup(application: string, projector: string, version: number): string {
  return `${application}.${projector}.v${version}`
}
