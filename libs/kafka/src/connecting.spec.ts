import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { parseAddress } from './client-options.ts'
import { connectKafka } from './connect-kafka.ts'

const servers: Server[] = []
const sockets = new Set<Socket>()

/** Something that listens but is no usable broker. */
async function listening(onData: (socket: Socket, data: Buffer) => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (data) => onData(socket, data))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

afterEach(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

describe('connecting to Kafka', () => {
  it('names the brokers, the reasons and the fix when nobody listens', async () => {
    const brokers = ['127.0.0.1:1', '127.0.0.1:2']
    const failed = await connectKafka({ brokers, clientId: 'test', connectTimeoutMs: 300 }).catch(
      (error: unknown) => error,
    )
    expect(failed).toMatchObject({ code: 'KAFKA_UNREACHABLE', retriable: true, details: { brokers } })
    expect(String(failed)).toMatch(
      /^KAFKA_UNREACHABLE: no broker answered at 127.0.0.1:1, 127.0.0.1:2 within 300 ms \(.*ECONNREFUSED.*\)\. Fix: start the broker/,
    )
  })

  it('gives up in time on something that accepts and says nothing', async () => {
    const brokers = [await listening(() => undefined)]
    const startedAt = Date.now()
    await expect(connectKafka({ brokers, clientId: 'test', connectTimeoutMs: 400 })).rejects.toMatchObject({
      code: 'KAFKA_UNREACHABLE',
    })
    expect(Date.now() - startedAt).toBeLessThan(2_000)
  })

  it('gives up on something that is no Kafka broker', async () => {
    const brokers = [await listening((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))]
    await expect(connectKafka({ brokers, clientId: 'test', connectTimeoutMs: 400 })).rejects.toMatchObject({
      code: 'KAFKA_UNREACHABLE',
    })
  })

  it.each([-1, 0, 3])('gives up on an answer that says it has %i bytes', async (length) => {
    const frame = Buffer.alloc(16)
    frame.writeInt32BE(length)
    const brokers = [await listening((socket) => socket.write(frame))]
    const failed = await connectKafka({ brokers, clientId: 'test', connectTimeoutMs: 400 }).catch(
      (error: unknown) => error,
    )
    expect(String(failed)).toMatch(/^KAFKA_UNREACHABLE: .*the broker sent what is no answer/)
  })

  it('says which API a broker that is too old lacks', async () => {
    const brokers = [await listening((socket, data) => socket.write(oldApiVersions(data.readInt32BE(8))))]
    const failed = await connectKafka({ brokers, clientId: 'test' }).catch((error: unknown) => error)
    expect(String(failed)).toMatch(
      /^KAFKA_INCOMPATIBLE: .* needs Produce 3-12, but has 0-2\. Fix: use Apache Kafka 2\.3/,
    )
  })

  it('starts as soon as the broker does', async () => {
    const place = await listening(() => undefined)
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
    const connecting = connectKafka({ brokers: [place], clientId: 'test', connectTimeoutMs: 5_000 })
    const { startBroker } = await import('@keyfold/broker')
    const broker = await startBroker({ memory: true, port: parseAddress(place).port })
    const kafka = await connecting
    await kafka.close()
    await broker.close()
  })

  it.each([
    ['localhost:9092', { host: 'localhost', port: 9092 }],
    ['kafka', { host: 'kafka', port: 9092 }],
    ['[::1]:19092', { host: '::1', port: 19092 }],
  ])('reads %s', (text, address) => {
    expect(parseAddress(text)).toEqual(address)
  })

  it.each(['', 'host:', 'host:0', 'host:99999', 'a:b', 'http://host:1'])('refuses "%s" as an address', (text) => {
    expect(() => parseAddress(text)).toThrow('host:port')
  })
})

/** An ApiVersions answer, version 2, of a broker that knows Produce 0 to 2 and nothing else. */
function oldApiVersions(correlationId: number): Buffer {
  const body = Buffer.alloc(4 + 2 + 4 + 6 + 4)
  body.writeInt32BE(correlationId, 0)
  body.writeInt32BE(1, 6)
  body.writeInt16BE(2, 14)
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}
