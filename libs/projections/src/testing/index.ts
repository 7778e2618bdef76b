export { type ContractCase, type ReadModelStoreHarness, readModelStoreContract } from './read-model-store.contract.ts'
export { sharedReadModelContract } from './shared-read-model.contract.ts'
