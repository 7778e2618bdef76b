/** What consumers say they speak in JoinGroup; others (Connect, Streams) have types of their own. */
export const consumerProtocolType = 'consumer'

/**
 * The one thing a broker reads from the metadata of consumers: which topics they subscribe to.
 * The bytes are a client's: a count is believed only as far as bytes remain.
 * Format: clients/src/main/resources/common/message/ConsumerProtocolSubscription.json (all versions begin alike).
 */
export function subscribedTopicsOf(metadata: Uint8Array): string[] | undefined {
  const view = new DataView(metadata.buffer, metadata.byteOffset, metadata.byteLength)
  if (metadata.byteLength < versionBytes + countBytes) return undefined
  const version = view.getInt16(0)
  const count = view.getInt32(versionBytes)
  let at = versionBytes + countBytes
  if (version < 0 || count < 0 || count > (metadata.byteLength - at) / lengthBytes) return undefined
  const topics: string[] = []
  for (let index = 0; index < count; index++) {
    if (at + lengthBytes > metadata.byteLength) return undefined
    const length = view.getInt16(at)
    at += lengthBytes
    if (length < 0 || at + length > metadata.byteLength) return undefined
    topics.push(text.decode(metadata.subarray(at, at + length)))
    at += length
  }
  return topics
}

const text = new TextDecoder()
const versionBytes = 2
const countBytes = 4
const lengthBytes = 2
