import { MemorySchemaLog, MemorySchemaTopic } from './memory-schema-log.ts'
import { schemaLogContract } from './schema-log.contract.ts'

schemaLogContract('MemorySchemaLog', () => {
  const topic = new MemorySchemaTopic()
  return Promise.resolve({ newLog: () => new MemorySchemaLog(topic), close: () => Promise.resolve() })
})
