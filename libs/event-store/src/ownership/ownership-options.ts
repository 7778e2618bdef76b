/**
 * What an instance does.
 * - `all`, `worker`: owns a share of the partitions, and takes commands from its own code and from other instances.
 * - `api`: owns nothing; its commands go to the owners.
 */
export type InstanceRole = 'api' | 'worker' | 'all'

/** Instances of one application that share the partitions of its aggregates. */
export interface SharedOwnership {
  /** Default `all`. */
  readonly role?: InstanceRole
  /** Where other instances reach this one. Default: a free port of 127.0.0.1, for instances on one machine. */
  readonly listen?: { readonly host?: string; readonly port?: number }
  /** What the others are told: `host:port`. Default: where it listens. */
  readonly advertised?: string
  /**
   * Known to all instances and nobody else; an instance without it is not spoken to. Without a secret only loopback
   * addresses are listened on. It keeps strangers out; it does not encrypt.
   */
  readonly secret?: string
  /** A name that survives restarts, such as a pod's. Equal names make equal choices. Default: the instance's id. */
  readonly slot?: string
  /** An instance that is silent for so long loses its partitions, in milliseconds. Default 10,000. */
  readonly sessionTimeoutMs?: number
  /** Default 500: after this the others notice that one has joined or died. */
  readonly heartbeatIntervalMs?: number
  /** Commands on their way to one other instance at a time; more are answered `OVERLOADED`. Default 4,096. */
  readonly inFlightPerPeer?: number
}

export interface OwnershipSettings {
  readonly role: InstanceRole
  readonly host: string
  readonly port: number
  readonly advertised: string | undefined
  readonly secret: string
  readonly slot: string
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly inFlightPerPeer: number
}

/** @throws {TypeError} when other machines could reach an instance that has no secret. */
export function ownershipSettings(options: SharedOwnership, instanceId: string): OwnershipSettings {
  const { host = '127.0.0.1', port = 0 } = options.listen ?? {}
  const { secret = '' } = options
  if (secret === '' && !isLoopback(host))
    throw new TypeError(`ownership: listening on ${host} needs a secret; without one only 127.0.0.1 is allowed`)
  return {
    role: options.role ?? 'all',
    host,
    port,
    advertised: options.advertised,
    secret,
    slot: options.slot ?? instanceId,
    sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 500,
    inFlightPerPeer: options.inFlightPerPeer ?? 4_096,
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
