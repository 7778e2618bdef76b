import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { filesBelow, read } from './tidy/tree.ts'

interface Service {
  readonly image?: string
  readonly build?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly depends_on?: Readonly<Record<string, unknown>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

describe('docker-compose.yml', () => {
  const { services, volumes } = parse(read('docker-compose.yml'), { merge: true }) as ComposeFile
  const nodes = Object.entries(services).filter(([name]) => name.startsWith('kafka-'))

  it('starts three Apache Kafka nodes that agree on their cluster', () => {
    expect(nodes.map(([name]) => name)).toEqual(['kafka-1', 'kafka-2', 'kafka-3'])
    for (const [index, [name, service]] of nodes.entries()) {
      expect(service.image).toMatch(/^apache\/kafka:4\.\d+\.\d+$/)
      expect(service.environment).toMatchObject({
        KAFKA_NODE_ID: index + 1,
        KAFKA_PROCESS_ROLES: 'broker,controller',
        KAFKA_CONTROLLER_QUORUM_VOTERS: '1@kafka-1:9093,2@kafka-2:9093,3@kafka-3:9093',
        KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${name}:9092`,
        KAFKA_MIN_INSYNC_REPLICAS: 2,
      })
      expect(Buffer.from(String(service.environment?.['CLUSTER_ID']), 'base64url')).toHaveLength(16)
    }
    expect(new Set(nodes.map(([, { environment }]) => environment?.['CLUSTER_ID'])).size).toBe(1)
  })

  it('points the registry and the bank at all of them', () => {
    const brokers = 'kafka-1:9092,kafka-2:9092,kafka-3:9092'
    expect(services['registry']?.command).toContain(brokers)
    expect(services['bank']?.environment).toMatchObject({
      KAFKA_BROKERS: brokers,
      SCHEMA_REGISTRY_URL: 'http://registry:8081',
      // Without it the host may not operate the read models: it is no caller from the same machine.
      KEYFOLD_APP_TOKEN: '${KEYFOLD_APP_TOKEN:-}',
    })
    expect(Object.keys(services['bank']?.depends_on ?? {})).toEqual(['kafka-1', 'kafka-2', 'kafka-3', 'registry'])
  })

  it('runs what exists, publishes on the loopback address only, and declares its volumes', () => {
    const sources = filesBelow('apps')
    for (const { command = [], ports = [], volumes: mounts = [] } of Object.values(services)) {
      const script = command.find((word) => word.endsWith('.js'))
      if (script !== undefined) expect(sources).toContain(script.replace('/dist/', '/src/').replace(/\.js$/, '.ts'))
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
      for (const mount of mounts) expect(volumes).toHaveProperty(mount.split(':')[0] ?? '')
    }
  })
})
