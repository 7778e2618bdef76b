import Connection from 'kafkajs/src/network/connection.js'

/** Requests of a transaction, by API key: Produce, FindCoordinator, AddPartitionsToTxn, EndTxn, DescribeTransactions. */
const counts = new Map([0, 10, 24, 26, 65].map((key) => [key, 0]))
const endTxn = 26

const { send } = Connection.prototype

/** Both clients that are compared send through kafkajs's connections, so both are counted here. */
Connection.prototype.send = function counted(this: Connection, call: Parameters<typeof send>[0]) {
  const { apiKey } = call.request
  const count = counts.get(apiKey)
  if (count !== undefined) counts.set(apiKey, count + 1)
  return send.call(this, call)
} as typeof send

/** Round trips to the cluster per transaction so far: every request waits for the answer of the one before it. */
export function roundTripsPerCommit(): number {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return all / (counts.get(endTxn) ?? 0)
}
