/** One command as a client saw it. `unknown` is every answer that does not say what happened. */
export interface Operation {
  readonly commandId: string
  readonly kind: 'open' | 'deposit' | 'withdraw' | 'payment'
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  outcome: 'committed' | 'rejected' | 'unknown'
  /** The receipt's version, of commands that answer with one. */
  version?: number
}

export const ACCOUNTS = 20
const CLIENTS = 16

/** Closed-loop clients that send commands to the bank until they are told to stop; what they saw goes to `history`. */
export class Workload {
  readonly history = new Map<string, Operation>()
  /** Answers to repeats that were not the original's. */
  readonly contradictions: string[] = []
  readonly #random: () => number
  #next = 0

  constructor(random: () => number) {
    this.#random = random
  }

  async openAccounts(bankUrl: string): Promise<void> {
    for (let index = 0; index < ACCOUNTS; index += 1) {
      await this.#send(
        bankUrl,
        this.#operation('open', '/accounts', { accountId: `a${index}`, owner: `Owner ${index}` }),
      )
      await this.#send(bankUrl, this.#operation('deposit', `/accounts/a${index}/deposits`, { amount: 1000 }))
    }
  }

  /** Runs the clients until `stopped`; every request that was begun is answered or broken when this resolves. */
  async run(bankUrl: string, stopped: () => boolean): Promise<void> {
    const client = async () => {
      while (!stopped()) if (!(await this.#send(bankUrl, this.#pick()))) return
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
  }

  /** Sends everything that is in doubt again, with the same ids. */
  async settle(bankUrl: string): Promise<void> {
    const doubtful = [...this.history.values()].filter(({ outcome }) => outcome === 'unknown')
    for (const operation of doubtful) await this.#send(bankUrl, operation)
  }

  #pick(): Operation {
    const chance = this.#random()
    const known = [...this.history.keys()]
    const repeated = this.history.get(known[Math.floor(this.#random() * known.length)] ?? '')
    if (chance < 0.05 && repeated !== undefined) return repeated
    const account = () => `a${Math.floor(this.#random() * ACCOUNTS)}`
    const amount = 1 + Math.floor(this.#random() * 200)
    if (chance < 0.5) return this.#operation('deposit', `/accounts/${account()}/deposits`, { amount })
    if (chance < 0.75) return this.#operation('withdraw', `/accounts/${account()}/withdrawals`, { amount: amount * 4 })
    return this.#operation('payment', '/payments', { from: account(), to: account(), amount })
  }

  #operation(kind: Operation['kind'], path: string, body: Operation['body']): Operation {
    this.#next += 1
    return { commandId: `c${this.#next}`, kind, path, body, outcome: 'unknown' }
  }

  /** False when the bank is gone. */
  async #send(bankUrl: string, operation: Operation): Promise<boolean> {
    const known = this.history.get(operation.commandId)
    this.history.set(operation.commandId, operation)
    try {
      const response = await fetch(`${bankUrl}${operation.path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': operation.commandId },
        body: JSON.stringify(operation.body),
      })
      const body = (await response.json()) as { version?: number; status?: string }
      const outcome = outcomeOf(response.status, body)
      if (known !== undefined && known.outcome !== 'unknown' && outcome !== 'unknown')
        this.#compare(known, outcome, body.version)
      if (outcome !== 'unknown') {
        operation.outcome = outcome
        if (body.version !== undefined && outcome === 'committed') operation.version ??= body.version
      }
      return true
    } catch {
      return false
    }
  }

  #compare(known: Operation, outcome: Operation['outcome'], version: number | undefined): void {
    const same = known.outcome === outcome && (outcome === 'rejected' || known.version === version)
    if (!same)
      this.contradictions.push(`${known.commandId}: ${known.outcome} ${known.version}, then ${outcome} ${version}`)
  }
}

function outcomeOf(status: number, { status: end }: { readonly status?: unknown }): Operation['outcome'] {
  if (status === 201) return end === 'failed' ? 'rejected' : 'committed'
  return status === 404 || status === 409 || status === 422 ? 'rejected' : 'unknown'
}
