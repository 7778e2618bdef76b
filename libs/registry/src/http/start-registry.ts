import type { CompatibilityLevel } from '@keyfold/avro'
import type { KafkaClient } from '@keyfold/kafka'
import fastify, { type FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'
import { KafkaSchemaLog } from '../log/kafka-schema-log.ts'
import type { SchemaLog } from '../log/schema-log.ts'
import { registryError, RegistryStartError } from '../registry-error.ts'
import { SchemaRegistry } from '../schema-registry.ts'
import { registryPlugin, sendError } from './registry-plugin.ts'

export type StartRegistryOptions = {
  /** Default 127.0.0.1: whoever reaches the port may change schemas. */
  readonly host?: string
  /** 0 takes a free one. Default 8081. */
  readonly port?: number
  /** For subjects without a level of their own. Default BACKWARD_TRANSITIVE. */
  readonly compatibilityLevel?: CompatibilityLevel
} & ({ readonly log: SchemaLog } | { readonly kafka: KafkaClient; readonly replicationFactor?: number })

export interface RunningRegistry {
  /** Such as `http://127.0.0.1:8081`. */
  readonly url: string
  /** Answers what is under way, then closes the port and the log; not the KafkaClient, which was given. */
  close(): Promise<void>
}

/**
 * Starts a registry on an HTTP port, its state read from the log. Errors: `PORT_IN_USE`,
 * `REGISTRY_ADDRESS_UNUSABLE`, `REGISTRY_TOPIC_UNSUITABLE` and those of the KafkaClient.
 */
export async function startRegistry(options: StartRegistryOptions): Promise<RunningRegistry> {
  const { host = '127.0.0.1', port = 8081, compatibilityLevel } = options
  const log = 'log' in options ? options.log : new KafkaSchemaLog(kafkaLogOptions(options))
  const server = fastify({
    forceCloseConnections: 'idle',
    // A path that is not even percent-encoded properly fails before it reaches the plugin.
    frameworkErrors: (_, __, reply) => void sendError(reply, registryError('notFound')),
  })
  const level = compatibilityLevel === undefined ? {} : { compatibilityLevel }
  const opened = Promise.withResolvers<SchemaRegistry>()
  opened.promise.catch(() => undefined)
  try {
    await server.register(registryPlugin, { registry: opened.promise })
    // The port first: opening the log fences the registry before us, which may be the one that has the port.
    await listen(server, host, port)
    opened.resolve(await SchemaRegistry.open({ log, ...level }))
  } catch (error) {
    opened.reject(error)
    await server.close()
    await log.close()
    throw error
  }
  const { port: boundPort } = server.server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    close: async () => {
      await server.close()
      await (await opened.promise).close()
    },
  }
}

function kafkaLogOptions({
  kafka,
  replicationFactor,
}: {
  readonly kafka: KafkaClient
  readonly replicationFactor?: number
}) {
  return replicationFactor === undefined ? { client: kafka } : { client: kafka, replicationFactor }
}

async function listen(server: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await server.listen({ host, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') {
      const fix = 'Stop the process that uses it, or choose another port; 0 takes a free one.'
      throw new RegistryStartError('PORT_IN_USE', `port ${port} on ${host} is in use`, fix, error)
    }
    if (code !== 'EADDRNOTAVAIL' && code !== 'ENOTFOUND' && code !== 'EACCES') throw error
    const fix = 'Give an address of this machine and a port that you may open.'
    throw new RegistryStartError('REGISTRY_ADDRESS_UNUSABLE', `cannot listen on ${host}:${port} (${code})`, fix, error)
  }
}
