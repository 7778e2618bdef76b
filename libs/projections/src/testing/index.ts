export { type ContractCase, type ReadModelStoreHarness, readModelStoreContract } from './read-model-store.contract.ts'
