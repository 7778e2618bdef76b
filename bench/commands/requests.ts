import RequestQueue, { type QueuedRequest } from 'kafkajs/src/network/requestQueue/index.js'

/** Requests of a transaction, by API key: Produce, FindCoordinator, AddPartitionsToTxn, EndTxn, DescribeTransactions. */
const counts = new Map([0, 10, 24, 26, 65].map((key) => [key, 0]))
const endTxn = 26

const { push } = RequestQueue.prototype

/** Both clients that are compared send through kafkajs's connections, so both are counted here. */
RequestQueue.prototype.push = function counted(this: RequestQueue, request: QueuedRequest) {
  const { apiKey } = request.entry
  const count = counts.get(apiKey)
  if (count !== undefined) counts.set(apiKey, count + 1)
  push.call(this, request)
}

/** Round trips to the cluster per transaction so far: every request waits for the answer of the one before it. */
export function roundTripsPerCommit(): number {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return all / (counts.get(endTxn) ?? 0)
}
