const seed = 0x9747b28c
const multiplier = 0x5bd1e995

/** MurmurHash2 of 32 bits with the seed of Kafka's Java client; a signed int32, as in Java. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  let hash = seed ^ length
  const alignedEnd = length & ~3
  for (let at = 0; at < alignedEnd; at += 4) {
    let word =
      byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8) | (byteAt(bytes, at + 2) << 16) | (byteAt(bytes, at + 3) << 24)
    word = Math.imul(word, multiplier)
    word ^= word >>> 24
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier)
  }
  const tail = length - alignedEnd
  if (tail === 3) hash ^= byteAt(bytes, alignedEnd + 2) << 16
  if (tail >= 2) hash ^= byteAt(bytes, alignedEnd + 1) << 8
  if (tail >= 1) hash = Math.imul(hash ^ byteAt(bytes, alignedEnd), multiplier)
  hash ^= hash >>> 13
  hash = Math.imul(hash, multiplier)
  return hash ^ (hash >>> 15)
}

/** The partition that Kafka's default partitioner picks for a record with this key. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  if (!Number.isInteger(partitionCount) || partitionCount < 1) {
    throw new RangeError(`a topic has at least one partition, not ${partitionCount}`)
  }
  return (murmur2(key) & 0x7fffffff) % partitionCount
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}
