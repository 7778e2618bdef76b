import { type JoinedSockets, SocketProxy } from '@keyfold/kafka/testing'

/** Stands between a process and PostgreSQL and cuts connections at COMMIT. */
export class PostgresProxy extends SocketProxy {
  /** What becomes of the next COMMITs: `lost`, or carried out with its answer lost. */
  readonly cuts: ('lost' | 'unanswered')[] = []
  protected readonly target: number

  static async start(target: number): Promise<PostgresProxy> {
    return await new PostgresProxy(target).listen()
  }

  private constructor(target: number) {
    super()
    this.target = target
  }

  protected join(sockets: JoinedSockets): void {
    const { client, server } = sockets
    let isUnanswered = false
    client.on('data', (data) => {
      const fault = data.includes('COMMIT\0') ? this.cuts.shift() : undefined
      if (fault === 'lost') return sockets.cut()
      isUnanswered ||= fault === 'unanswered'
      server.write(data)
    })
    server.on('data', (data) => (isUnanswered ? sockets.cut() : client.write(data)))
  }
}
