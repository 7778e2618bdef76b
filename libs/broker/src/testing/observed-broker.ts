import { MemoryFiles } from '@keyfold/storage'
import { Broker } from '../broker.ts'
import { BrokerConfig } from '../config/broker-config.ts'
import { type LogLine, logTo } from '../log.ts'
import { Observation } from '../server/observation.ts'
import { HandClock } from './broker-rehearsal.ts'

/** A broker on files and with a clock that the test holds in its hands, and what observes it. */
export class ObservedBroker {
  readonly files: MemoryFiles
  readonly clock: HandClock
  readonly broker: Broker
  readonly observation: Observation
  readonly lines: LogLine[]

  static async open({ isServing = true, files = new MemoryFiles() } = {}): Promise<ObservedBroker> {
    const lines: LogLine[] = []
    const clock = new HandClock()
    const config = new BrokerConfig()
    const observation = await Observation.open({ host: '127.0.0.1', port: 0, config, scheduler: clock.heap })
    const broker = await Broker.open({
      files,
      clock,
      config,
      log: logTo((line) => lines.push(line)),
      scheduler: clock.heap,
      compressors: {},
      advertised: { host: 'localhost', port: 9092 },
      randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
      onFatal: (error) => observation.ends(error),
    })
    if (isServing) observation.serves(broker)
    return new ObservedBroker({ files, clock, broker, observation, lines })
  }

  private constructor(parts: Pick<ObservedBroker, 'files' | 'clock' | 'broker' | 'observation' | 'lines'>) {
    this.files = parts.files
    this.clock = parts.clock
    this.broker = parts.broker
    this.observation = parts.observation
    this.lines = parts.lines
  }

  /** Stops observing; the broker is just left, as its files are. */
  async close(): Promise<void> {
    await this.observation.close()
  }

  /** What a page about health says: status, text, codes of the reasons. */
  async report(path: string): Promise<[status: number, text: string, codes: string[]]> {
    const response = await fetch(`http://${this.observation.address}${path}`)
    const { status, reasons } = (await response.json()) as { status: string; reasons: { code: string }[] }
    return [response.status, status, reasons.map(({ code }) => code)]
  }
}
