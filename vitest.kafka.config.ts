import { mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

/**
 * The lane that needs Java and Maven: what runs on the bundled broker runs on an Apache Kafka too. The faults take
 * minutes: they are in when their time is given (`npm run test:commands-faults`).
 */
const isLong = process.env['KEYFOLD_COMMANDS_MINUTES'] !== undefined
const lane = mergeConfig(base, { test: { testTimeout: 60_000 } })
export default {
  ...lane,
  test: { ...lane.test, include: ['test/**/*.kafka.spec.ts'], exclude: isLong ? [] : ['test/faults/**'] },
}
