import { mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** The lane that needs Java and Maven: what runs on the bundled broker runs on an Apache Kafka too. */
const lane = mergeConfig(base, { test: { testTimeout: 60_000 } })
export default { ...lane, test: { ...lane.test, include: ['test/**/*.kafka.spec.ts'], exclude: [] } }
