import type { MemoryFiles } from '@keyfold/storage'
import { Broker } from '../broker.ts'
import { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerError } from '../errors.ts'
import { type BrokerLog, silentLog } from '../log.ts'
import { TimerHeap } from '../scheduler.ts'

/** A broker without sockets, on files and with a clock that the test holds in its hands. */
export class BrokerRehearsal {
  readonly broker: Broker
  readonly #clock: HandClock

  static async open(
    files: MemoryFiles,
    config: Record<string, string | number | boolean> = {},
    clock: HandClock = new HandClock(),
    rim: { readonly log?: BrokerLog; readonly onFatal?: (error: BrokerError) => void } = {},
  ): Promise<BrokerRehearsal> {
    const broker = await Broker.open({
      files,
      clock,
      config: new BrokerConfig({ 'group.initial.rebalance.delay.ms': 0, ...config }),
      log: rim.log ?? silentLog,
      scheduler: clock.heap,
      compressors: {},
      advertised: { host: 'localhost', port: 9092 },
      randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
      onFatal: rim.onFatal ?? (() => {}),
    })
    return new BrokerRehearsal(broker, clock)
  }

  private constructor(broker: Broker, clock: HandClock) {
    this.broker = broker
    this.#clock = clock
  }

  /** Lets time pass, stopping at every timer that is due. */
  pass(ms: number): void {
    this.#clock.pass(ms)
  }
}

/** Time that passes only when told to; the wall clock can be set. */
export class HandClock {
  readonly heap = new TimerHeap(() => this.#nowMs)
  #nowMs = 1_700_000_000_000
  #wallAheadMs = 0

  wall(): number {
    return this.#nowMs + this.#wallAheadMs
  }

  /** Somebody sets the machine's clock. */
  setWallAhead(ms: number): void {
    this.#wallAheadMs = ms
  }

  steady(): number {
    return this.#nowMs
  }

  pass(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const dueMs = this.heap.nextDueMs
      if (dueMs === undefined || dueMs > endMs) break
      this.#nowMs = Math.max(this.#nowMs, dueMs)
      this.heap.runDue()
    }
    this.#nowMs = endMs
  }
}
