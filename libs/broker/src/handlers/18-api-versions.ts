import { type AnyApi, ApiVersions, KafkaError } from '@keyfold/protocol'
import { type Handler, handler } from './handler.ts'

/**
 * ApiVersions (18), versions 0-4.
 * Behaviour: what is served, exactly. A version that is not gets a version-0 body with UNSUPPORTED_VERSION and the list
 * all the same (KIP-511; the connection does that, since the request cannot be decoded).
 * Versions: 3 names the client's software, whose form is checked.
 * Not done: features: transaction.version (KIP-890) and group.version (KIP-848) are not finalized.
 */
export function apiVersions(served: () => readonly Handler[]): Handler {
  return handler(ApiVersions, (request, _, { version }) => {
    const { clientSoftwareName, clientSoftwareVersion } = request
    const isNamed = softwareName.test(clientSoftwareName) && softwareName.test(clientSoftwareVersion)
    const error = version >= 3 && !isNamed ? KafkaError.INVALID_REQUEST : KafkaError.NONE
    const apiKeys = error === KafkaError.NONE ? apiKeysOf(served()) : []
    return { errorCode: error.code, apiKeys, finalizedFeaturesEpoch: 0 }
  })
}

/** The list of a broker's APIs as it goes over the wire, in order of key. */
export function apiKeysOf(served: readonly Handler[]): { apiKey: number; minVersion: number; maxVersion: number }[] {
  return served.map(({ api, versions: [min, max] }) => ({
    apiKey: api.key,
    minVersion: announcedMin(api, min),
    maxVersion: max,
  }))
}

/** Some minimum is announced lower than served, where old clients look for it (Produce, KAFKA-18659). */
function announcedMin(api: AnyApi, min: number): number {
  return min === api.versions[0] ? api.advertised[0] : min
}

const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/
