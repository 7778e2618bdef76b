import type { Receipt } from '@keyfold/nest'

/** The answer to an accepted command: enough to find its events and to wait for read models. */
export interface AcceptedBody {
  readonly accountId?: string
  readonly paymentId?: string
  readonly commandId: string
  readonly version: number
  readonly position: Receipt['position']
  readonly events: readonly string[]
  readonly duplicate: boolean
  /** False: stored, but the balances do not show it yet. */
  readonly visible: boolean
}

export function acceptedBody(subject: { readonly accountId: string }, receipt: Receipt): AcceptedBody {
  const { commandId, version, position, events, duplicate, visible } = receipt
  return { ...subject, commandId, version, position, events: events.map(({ type }) => type), duplicate, visible }
}
