export { FlakyProxy, type WireFault } from './flaky-proxy.ts'
export { kafkaClientContract, type KafkaClientSubject } from './kafka-client.contract.ts'
