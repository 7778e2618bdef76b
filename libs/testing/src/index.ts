export { AggregateOutcome } from './aggregates/aggregate-outcome.ts'
export { AggregateSpecification, given, type SpecificationOptions } from './aggregates/aggregate-specification.ts'
export { startTestBroker, type TestBroker } from './broker/test-broker.ts'
export { InMemoryCodec, inMemoryCodec } from './events/in-memory-codec.ts'
export { eventRecord, type EventRecordOptions } from './events/event-record.ts'
export { ExpectationFailed } from './expectation-failed.ts'
export { FakeClock } from './fake-clock.ts'
export { type CommitFault, InMemoryCluster } from './kafka/in-memory-cluster.ts'
export { InMemoryKafka } from './kafka/in-memory-kafka.ts'
export {
  type GivenEvent,
  givenEvents,
  ProjectorSpecification,
  type ProjectorSpecificationOptions,
} from './projectors/projector-specification.ts'
export type { SpecificationStore } from './projectors/specification-medium.ts'
export { sequentialIds } from './sequential-ids.ts'
export { avroArbitrary } from './upcasting/avro-arbitrary.ts'
export {
  everyVersionUpcasts,
  type EveryVersionOptions,
  type UpcastableEvents,
} from './upcasting/every-version-upcasts.ts'
