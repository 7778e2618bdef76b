import { type AnyApi, ApiVersions, KafkaError } from '@keyfold/protocol'
import { type Feature, features } from '../features.ts'
import { type Handler, handler } from './handler.ts'

/**
 * ApiVersions (18), versions 0-4.
 * Behaviour: what is served, exactly. A version that is not gets a version-0 body with UNSUPPORTED_VERSION and the
 * versions of this API (KIP-511; the connection does that, since the request cannot be decoded).
 * Versions: 3 names the client's software, whose form is checked, and tells the features in force; their range only from
 * 4 on, because clients of before fail on a level of 0 (KAFKA-17011).
 * Not done: nothing.
 */
export function apiVersions(served: () => readonly Handler[]): Handler {
  return handler(ApiVersions, (request, _, { version }) => {
    const { clientSoftwareName, clientSoftwareVersion } = request
    const isNamed = softwareName.test(clientSoftwareName) && softwareName.test(clientSoftwareVersion)
    const error = version >= 3 && !isNamed ? KafkaError.INVALID_REQUEST : KafkaError.NONE
    if (error !== KafkaError.NONE) return { errorCode: error.code, apiKeys: [] }
    return { errorCode: 0, apiKeys: apiKeysOf(served()), ...announced(features, version), finalizedFeaturesEpoch: 0 }
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

function announced(known: readonly Feature[], version: number) {
  const supportedFeatures = known
    .filter(({ supported: [min] }) => version >= 4 || min > 0)
    .map(({ name, supported: [minVersion, maxVersion] }) => ({ name, minVersion, maxVersion }))
  const finalizedFeatures = known.map(({ name, finalized }) => ({
    name,
    minVersionLevel: finalized,
    maxVersionLevel: finalized,
  }))
  return { supportedFeatures, finalizedFeatures }
}

/** Some minimum is announced lower than served, where old clients look for it (Produce, KAFKA-18659). */
function announcedMin(api: AnyApi, min: number): number {
  return min === api.versions[0] ? api.advertised[0] : min
}

const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/
