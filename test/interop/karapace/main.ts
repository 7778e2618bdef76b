import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MemorySchemaLog, type RunningRegistry, startRegistry } from '@keyfold/registry'

/**
 * A new registry in memory for every POST; the answer is its URL. Prints its own. The level is the one that other
 * products begin with.
 */
let running: RunningRegistry | undefined

const control = createServer((_, response) => {
  void (async () => {
    await running?.close()
    running = await startRegistry({ log: new MemorySchemaLog(), port: 0, compatibilityLevel: 'BACKWARD' })
    response.end(running.url)
  })()
})

control.listen(0, '127.0.0.1', () => {
  const { port } = control.address() as AddressInfo
  console.log(`http://127.0.0.1:${port}`)
})
