/** A bundled broker for one test file: in memory, on a free port of this machine. */
export interface TestBroker {
  /** `host:port`, as clients want it. */
  readonly address: string
  close(): Promise<void>
}

/** Starts it. `config` takes Kafka's own keys. Errors: those of the broker, such as `LISTEN_FAILED`. */
export async function startTestBroker(
  config: Readonly<Record<string, string | number | boolean>> = {},
): Promise<TestBroker> {
  const { startBroker } = await import('@keyfold/broker')
  // Tests do not wait for members that may still join a group.
  const broker = await startBroker({ memory: true, config: { 'group.initial.rebalance.delay.ms': 0, ...config } })
  return { address: broker.address, close: () => broker.close() }
}
