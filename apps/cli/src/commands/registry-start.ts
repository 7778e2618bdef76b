import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { objectOf, text, whole } from '../json-schema.ts'
import { isHttpUrl, parseHttpUrl } from '../parse-url.ts'
import { parsePort } from '../parse-numbers.ts'
import { untilAborted } from '../until-aborted.ts'

interface StartOptions {
  /** The older name of `--brokers`. */
  readonly kafka?: string
  readonly host: string
  readonly port: number
  readonly advertisedUrl?: string
  readonly answers: '7.x' | '8.x'
}

export const registryStart = defineCommand<StartOptions>({
  path: 'registry start',
  summary: 'start a schema registry whose schemas are kept in the topic _schemas',
  details: 'It runs until Ctrl-C. The first line on stdout says where it listens.',
  options: [
    { flags: '--kafka <host:port,…>', description: 'the same as --brokers' },
    { flags: '--host <host>', description: 'address to listen on', default: '127.0.0.1' },
    { flags: '--port <port>', description: 'port to listen on; 0 takes a free one', parse: parsePort, default: 8081 },
    {
      flags: '--advertised-url <url>',
      description: 'where other registries on the same Kafka reach this one; default $REGISTRY_ADVERTISED_URL',
      parse: parseHttpUrl,
    },
    {
      flags: '--answers <version>',
      description: "as which version of Confluent's registry it answers",
      choices: ['7.x', '8.x'],
      default: '8.x',
    },
  ],
  uses: ['kafka'],
  examples: [['keyfold registry start --brokers 127.0.0.1:9092 --port 8081', 'start a schema registry on that broker']],
  data: objectOf({ url: text, brokers: text, pid: whole }),
  runsUntilStopped: true,
  async run(context, { kafka: named, host, port, advertisedUrl: given, answers }) {
    const advertisedUrl = given ?? context.world.env['REGISTRY_ADVERTISED_URL']
    if (advertisedUrl !== undefined && !isHttpUrl(advertisedUrl))
      throw new CliError(
        'USAGE',
        `REGISTRY_ADVERTISED_URL is ${advertisedUrl}, which is no http:// or https:// address`,
      )
    const brokers = named === undefined ? context.settings.brokers : named.split(',')
    // Loaded here, so that no other command waits for an HTTP server.
    const { startRegistry } = await import('@keyfold/registry')
    const registry = await startRegistry({
      kafka: await context.kafka(brokers),
      host,
      port,
      answers: { members: answers },
      ...(advertisedUrl !== undefined && { advertisedUrl }),
    })
    try {
      const started = { url: registry.url, brokers: brokers.join(','), pid: process.pid }
      context.stream.announce(started, `registry ${registry.url} on ${started.brokers}`)
      await untilAborted(context.signal)
    } finally {
      await registry.close()
    }
    return undefined
  },
})
