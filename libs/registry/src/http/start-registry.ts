import type { CompatibilityLevel } from '@keyfold/avro'
import type { KafkaClient } from '@keyfold/kafka'
import fastify, { type FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { KafkaSchemaLog } from '../log/kafka-schema-log.ts'
import type { SchemaLog } from '../log/schema-log.ts'
import { registryError, RegistryStartError } from '../registry-error.ts'
import { type RegistryLog, SchemaRegistry } from '../schema-registry.ts'
import type { AnswerStyle } from './answer-style.ts'
import { answerClientError } from './client-error.ts'
import { RegistryApi } from './registry-api.ts'
import { registryPlugin, send } from './registry-plugin.ts'

export type StartRegistryOptions = {
  /** Default 127.0.0.1: whoever reaches the port may change schemas. */
  readonly host?: string
  /** 0 takes a free one. Default 8081. */
  readonly port?: number
  /**
   * Where other registries on the same topic reach this one, to pass on changes. Default: its host and port, or with a
   * host that stands for all addresses the name of this machine.
   */
  readonly advertisedUrl?: string
  /** For subjects without a level of their own. Default BACKWARD_TRANSITIVE. */
  readonly compatibilityLevel?: CompatibilityLevel
  /** A change that takes longer, in milliseconds, is answered with 50002. Default 5,000. */
  readonly writeTimeoutMs?: number
  readonly tell?: RegistryLog
  /** How answers look where versions of Confluent's registry differ. */
  readonly answers?: Partial<AnswerStyle>
} & ({ readonly log: SchemaLog } | { readonly kafka: KafkaClient; readonly replicationFactor?: number })

export interface RunningRegistry {
  /** Such as `http://127.0.0.1:8081`. */
  readonly url: string
  readonly registry: SchemaRegistry
  /** Answers what is under way, then closes the port and the log; not the KafkaClient, which was given. */
  close(): Promise<void>
}

/**
 * Starts a registry on an HTTP port, its state read from the log. Errors: `PORT_IN_USE`,
 * `REGISTRY_ADDRESS_UNUSABLE`, `REGISTRY_TOPIC_UNSUITABLE` and those of the KafkaClient.
 */
export async function startRegistry(options: StartRegistryOptions): Promise<RunningRegistry> {
  const { host = '127.0.0.1', port = 8081, tell, answers } = options
  const log = 'log' in options ? options.log : new KafkaSchemaLog(kafkaLogOptions(options))
  const opened = Promise.withResolvers<SchemaRegistry>()
  opened.promise.catch(() => undefined)
  const api = { registry: opened.promise, ...(tell && { tell }), ...(answers && { answers }) }
  const server = fastify({
    forceCloseConnections: 'idle',
    clientErrorHandler: answerClientError,
    // A path that is not even percent-encoded properly fails before it reaches the plugin.
    frameworkErrors: (_, __, reply) => void send(reply, new RegistryApi(api).refusal(registryError('notFound'))),
  })
  try {
    await server.register(registryPlugin, api)
    // The port first: it is part of the name under which this registry writes.
    await listen(server, host, port)
    const url = urlOf(host, server)
    opened.resolve(await SchemaRegistry.open({ ...settings(options), log, url: advertisedUrl(options, url) }))
    const registry = await opened.promise
    const close = async () => {
      await server.close()
      await registry.close()
    }
    return { url, registry, close }
  } catch (error) {
    opened.reject(error)
    await server.close()
    await log.close()
    throw error
  }
}

function settings({ compatibilityLevel, writeTimeoutMs, tell }: StartRegistryOptions) {
  return {
    ...(compatibilityLevel && { compatibilityLevel }),
    ...(writeTimeoutMs !== undefined && { writeTimeoutMs }),
    ...(tell && { tell }),
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

function urlOf(host: string, { server }: FastifyInstance): string {
  const { port } = server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Nobody can be reached at an address that stands for all of them. */
function advertisedUrl({ advertisedUrl: given }: StartRegistryOptions, url: string): string {
  return given ?? url.replace(/^http:\/\/(0\.0\.0\.0|\[::\])(?=:)/, `http://${hostname()}`)
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
