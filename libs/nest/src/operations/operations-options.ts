/** Who may look at projections and steer them over HTTP. */
export interface OperationsOptions {
  /**
   * What callers have to send as `Authorization: Bearer …`. Left out, only callers on this machine are let in, and none
   * whose request came through a proxy.
   */
  readonly token?: string
}

export const OPERATIONS_OPTIONS = Symbol('keyfold.operations')
