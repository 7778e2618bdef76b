import { defineApi } from '../api.ts'
import { array, boolean, int16, int32, int8, string, struct } from '../fields.ts'

/** Reads the configuration of topics and brokers, with where each value comes from. */
export const DescribeConfigs = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  versions: [1, 4],
  flexible: 4,
  request: {
    resources: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        configurationKeys: array(string(), { nullable: '1+' }),
      }),
    ),
    includeSynonyms: boolean({ fallback: false }),
    includeDocumentation: boolean({ versions: '3+', fallback: false }),
  },
  response: {
    throttleTimeMs: int32({ fallback: 0 }),
    results: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: '1+' }),
        resourceType: int8(),
        resourceName: string(),
        configs: array(
          struct({
            name: string(),
            value: string({ nullable: '1+' }),
            readOnly: boolean(),
            configSource: int8({ fallback: -1 }),
            isSensitive: boolean(),
            synonyms: array(
              struct({
                name: string(),
                value: string({ nullable: '1+' }),
                source: int8(),
              }),
            ),
            configType: int8({ versions: '3+', fallback: 0, ignorable: true }),
            documentation: string({ versions: '3+', nullable: '3+', ignorable: true }),
          }),
        ),
      }),
    ),
  },
})
