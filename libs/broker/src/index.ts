export { brokerConfigs, type BrokerConfigKey } from './config/broker-configs.ts'
export { BrokerError, type BrokerErrorCode } from './errors.ts'
export { logTo, type BrokerLog, type LogFields, type LogLine } from './log.ts'
export type { BrokerOptions, RunningBroker } from './running-broker.ts'
export { startBroker } from './server/start-broker.ts'
export { startBrokerWorker } from './server/start-broker-worker.ts'
export {
  verifyDataDirectory,
  type VerificationFinding,
  type VerificationOptions,
  type VerificationReport,
} from './verification/verify-data-directory.ts'
