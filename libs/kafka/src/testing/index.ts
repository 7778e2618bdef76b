export { FlakyProxy, type WireFault } from './flaky-proxy.ts'
export { kafkaAdminContract } from './kafka-admin.contract.ts'
export { kafkaGroupsContract } from './kafka-groups.contract.ts'
export { kafkaClientContract, type KafkaClientSubject } from './kafka-client.contract.ts'
