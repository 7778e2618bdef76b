import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, int64, string, struct } from '../fields.ts'

/**
 * Says which APIs and versions a broker serves and which features are finalized. The response header is always version
 * 0 (KIP-511).
 */
export const ApiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  versions: [0, 4],
  flexible: 3,
  request: {
    clientSoftwareName: string({ versions: '3+', ignorable: true }),
    clientSoftwareVersion: string({ versions: '3+', ignorable: true }),
  },
  response: {
    errorCode: int16(),
    apiKeys: array(
      struct({
        apiKey: int16(),
        minVersion: int16(),
        maxVersion: int16(),
      }),
    ),
    throttleTimeMs: int32({ versions: '1+', fallback: 0, ignorable: true }),
    supportedFeatures: array(
      struct({
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      }),
      { versions: '3+', tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64({ versions: '3+', fallback: -1, tag: 1, ignorable: true }),
    finalizedFeatures: array(
      struct({
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16(),
      }),
      { versions: '3+', tag: 2, ignorable: true },
    ),
    zkMigrationReady: boolean({ versions: '3+', fallback: false, tag: 3, ignorable: true }),
  },
})
