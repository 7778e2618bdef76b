import { brokerError, brokerErrorName } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import type { NodeLink } from './node-link.ts'
import { apis, type WireApi } from './wire-apis.ts'

/** FindCoordinator's key types. */
export const groupCoordinatorType = 0
const transactionCoordinatorType = 1

/** The node that keeps the state of a transactional id or a group, looked up once and again only when it has moved. */
export class Coordinator {
  readonly lane: string
  readonly #cluster: Cluster
  readonly #name: string
  readonly #type: 0 | 1
  #nodeId: number | undefined

  constructor(cluster: Cluster, name: string, lane: string, type: 0 | 1 = transactionCoordinatorType) {
    this.#cluster = cluster
    this.#name = name
    this.lane = lane
    this.#type = type
  }

  async call<Request, Response>(api: WireApi<Request, Response>, request: NoInfer<Request>): Promise<Response> {
    return (await this.link()).call(api, request)
  }

  async link(): Promise<NodeLink> {
    this.#nodeId ??= await this.#find()
    try {
      return await this.#cluster.linkTo(this.#nodeId, this.lane)
    } catch (error) {
      this.#nodeId = undefined
      throw error
    }
  }

  forget(): void {
    this.#nodeId = undefined
  }

  mayHaveMoved(errorName: string): void {
    if (errorName === 'NOT_COORDINATOR' || errorName === 'COORDINATOR_NOT_AVAILABLE') this.forget()
  }

  async #find(): Promise<number> {
    const link = await this.#cluster.anyLink()
    const { errorCode, coordinator } = await link.call(apis.findCoordinator, {
      groupId: this.#name,
      coordinatorType: this.#type,
    })
    if (errorCode !== 0) throw brokerError(brokerErrorName(errorCode), `coordinator of ${this.#name}`)
    await this.#cluster.refreshUnlessKnown(coordinator.nodeId)
    return coordinator.nodeId
  }
}
