import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectKafka, type KafkaClient } from '@keyfold/kafka'
import { Client } from 'pg'
import { type PostgresServer, startPostgres } from '../../../libs/projections/src/testdata/postgres-server.ts'
import { freePort } from '../../kafka/free-ports.ts'
import { BrokerProcess } from '../broker/broker-process.ts'
import { seededRandom } from '../random.ts'
import { type History, newHistory, type SeenEffect, type Snapshot } from './history.ts'
import { type Medium, PARTITIONS, TOPIC } from './ledger.ts'
import { LedgerWriter } from './ledger-writer.ts'
import type { PlantedBugName } from './planted-bugs.ts'
import { LATE, STEADY } from './coverage.ts'
import { PostgresProxy } from './postgres-proxy.ts'
import { ReadingSession } from './reading-session.ts'
import { ProjectorProcess } from './projector-process.ts'
import { readLedger } from './read-ledger.ts'
import { peace } from './peace.ts'
import { SharingWatch } from './sharing-watch.ts'
import { PostgresSnapshots, type SnapshotReader, SqliteSnapshots } from './snapshots.ts'
import { type StrikeName, strikes } from './strikes.ts'

export interface FaultLaneOptions {
  readonly medium: Medium
  /** So many processes share the projector. Left out: one has it, and another may take its place. */
  readonly members?: number
  /** `host:port` of a cluster that is there. Left out: a broker of its own, which can be restarted. */
  readonly broker?: string
  readonly seed: number
  readonly strikes: readonly StrikeName[]
  readonly plant?: PlantedBugName
  /** How long a healthy projector may take to reach the end. */
  readonly healMs?: number
}

const HEAL_MS = 60_000
const POLL_MS = 10

/** Runs one fault after the other under a stream of events, and answers what was done and seen. */
export async function runFaultLane(options: FaultLaneOptions): Promise<History> {
  const directory = await mkdtemp(join(tmpdir(), 'keyfold-projection-faults-'))
  const world = new FaultWorld(directory, options)
  try {
    await world.start()
    for (const strike of options.strikes) {
      await world.round(strike)
      if (world.history.stuck.length > 0) break
    }
    await world.finish()
    return world.history
  } finally {
    await world.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Everything that a fault can be done to. */
export class FaultWorld {
  readonly history: History
  readonly random: () => number
  readonly #options: FaultLaneOptions
  readonly #directory: string
  readonly #processes = new Set<ProjectorProcess>()
  #brokerPort = 0
  #watch: SharingWatch | undefined
  #broker: BrokerProcess | undefined
  #kafka: KafkaClient | undefined
  #writer: LedgerWriter | undefined
  #postgres: PostgresServer | undefined
  #proxy: PostgresProxy | undefined
  #snapshots: SnapshotReader
  readonly #session: ReadingSession
  #during = 'the start'
  #incarnation = 0
  #members: readonly ProjectorProcess[] = []

  constructor(directory: string, options: FaultLaneOptions) {
    this.#directory = directory
    this.#options = options
    this.#snapshots = new SqliteSnapshots(directory)
    this.random = seededRandom(options.seed)
    this.history = newHistory(options.plant)
    this.#session = new ReadingSession(this, STEADY, options.seed + 1)
  }

  async start(): Promise<void> {
    if (this.#options.broker === undefined) {
      this.#brokerPort = await freePort()
      this.#broker = await this.#startBroker()
    }
    this.#kafka = await connectKafka({ brokers: [this.broker], clientId: 'lane' })
    await this.#kafka.ensureTopics([{ name: TOPIC, partitions: PARTITIONS, configs: { 'retention.ms': '-1' } }])
    this.#writer = new LedgerWriter(this.#kafka, this.random)
    if (this.#options.medium === 'postgres') await this.#startPostgres(this.#kafka)
    await this.writer.write(5)
    this.history.firstEnds = await this.#ends()
    const members = Array.from({ length: this.#options.members ?? 1 }, () => this.startProcess())
    this.#members = await Promise.all(members)
    await this.caughtUp('at the start')
    if (this.isShared) await peace(this, 'the start')
    this.#session.start()
  }

  /** One fault while events flow, then everything has to be applied again. */
  async round(strike: StrikeName): Promise<void> {
    this.count(strike)
    this.#during = strike
    if (this.random() < 0.2) await this.writer.abortOne(this.broker)
    try {
      await strikes[strike](this)
    } catch (error) {
      this.history.stuck.push(`${strike}: ${String(error)}`)
      return
    }
    this.#during = 'the quiet'
    await this.caughtUp(strike)
    if (!this.isShared || this.history.stuck.length > 0) return
    await peace(this, strike)
    // So that faults strike each of them.
    const next = Math.floor(this.random() * this.#members.length)
    this.#members = [...this.#members.slice(next), ...this.#members.slice(0, next)]
  }

  /** Mends what is mended at the end, and reads the log. */
  async finish(): Promise<void> {
    if (this.history.stuck.length === 0) await this.round('mend')
    await this.#session.stop()
    // The last answers of the effects are events, too.
    if (this.history.stuck.length === 0) await this.#decided()
    if (this.history.stuck.length === 0) await this.caughtUp('the last answers')
    this.history.ends = await this.#ends()
    this.history.log = await readLedger(this.broker)
    this.count(LATE, (await this.#lines('refused.log')).length)
    this.history.effects.push(...(await this.#lines('effects.log')).map(seenEffect))
  }

  async stop(): Promise<void> {
    await this.#session.stop()
    for (const each of this.#processes) await each.kill()
    await this.#kafka?.close()
    await this.#broker?.kill()
    await this.#proxy?.close()
    await this.#postgres?.destroy()
  }

  get broker(): string {
    return this.#options.broker ?? `127.0.0.1:${this.#brokerPort}`
  }

  get writer(): LedgerWriter {
    if (this.#writer === undefined) throw new TypeError('the lane was not started')
    return this.#writer
  }

  /** The one that projects; where several share, the one that is struck next. */
  get process(): ProjectorProcess {
    const [first] = this.#members
    if (first === undefined) throw new TypeError('the lane was not started')
    return first
  }

  /** All that project and are not standing still. */
  get members(): readonly ProjectorProcess[] {
    return this.#members
  }

  get isShared(): boolean {
    return this.#options.members !== undefined
  }

  get watch(): SharingWatch {
    if (this.#watch === undefined) throw new TypeError('nothing is shared in this lane')
    return this.#watch
  }

  get postgres(): PostgresServer {
    if (this.#postgres === undefined) throw new TypeError('there is no PostgreSQL in this lane')
    return this.#postgres
  }

  get proxy(): PostgresProxy {
    if (this.#proxy === undefined) throw new TypeError('there is no PostgreSQL in this lane')
    return this.#proxy
  }

  count(what: string, times = 1): void {
    this.history.counts[what] = (this.history.counts[what] ?? 0) + times
  }

  /** The fault that is going on. */
  get during(): string {
    return this.#during
  }

  /** Asks a process that was replaced, as a client does that has not heard of it. */
  async askReplaced(replaced: ProjectorProcess): Promise<void> {
    await new ReadingSession(this, `of a replaced process ${this.#incarnation}`, this.#incarnation).ask(replaced)
  }

  /** Whether the end of the log is ahead of the rows. */
  async isBehind(): Promise<boolean> {
    const [snapshot, ends] = [await this.#snapshots.read(), await this.#ends()]
    return ends.some((end, partition) => (snapshot?.positions[partition] ?? 0) < end)
  }

  /** Starts another process beside the ones that there are. */
  async startProcess(): Promise<ProjectorProcess> {
    const { medium, plant } = this.#options
    const { broker, isShared } = this
    const plan = {
      broker,
      directory: this.#directory,
      medium,
      plant,
      isShared,
      incarnation: ++this.#incarnation,
      postgresPort: this.#proxy?.port,
    }
    const started = await ProjectorProcess.start(plan)
    this.#processes.add(started)
    return started
  }

  /** From now on this process is the one that projects, or one of them. */
  async replaceProcess(next?: ProjectorProcess): Promise<void> {
    const process = next ?? (await this.startProcess())
    this.#members = this.isShared ? [...this.#members, process] : [process]
  }

  /** It projects no more, or stands still. */
  without(process: ProjectorProcess): void {
    this.#members = this.#members.filter((each) => each !== process)
  }

  async kill(victim: ProjectorProcess): Promise<void> {
    await victim.kill()
    this.#processes.delete(victim)
    if (this.isShared) this.without(victim)
  }

  async restartBroker(): Promise<void> {
    await this.#broker?.kill()
    this.#broker = await this.#startBroker()
  }

  /** Poison that is in the log now does no harm any more. */
  async mend(): Promise<void> {
    await writeFile(join(this.#directory, 'mended.json'), JSON.stringify(await this.#ends()))
  }

  async snapshot(): Promise<Snapshot | undefined> {
    const snapshot = await this.#snapshots.read()
    if (snapshot !== undefined) this.history.snapshots.push(snapshot)
    return snapshot
  }

  /** Waits until rows and effects have passed what is the end now. */
  async caughtUp(after: string, patienceMs = this.#options.healMs ?? HEAL_MS): Promise<void> {
    const ends = await this.#ends()
    const deadlineMs = performance.now() + patienceMs
    let last: unknown
    const isPast = (positions: readonly number[]): boolean => ends.every((end, index) => (positions[index] ?? 0) >= end)
    while (performance.now() < deadlineMs) {
      try {
        const snapshot = await this.#snapshots.read()
        const effects =
          this.#options.plant === 'effects run in a rebuild' ? ends : await this.#snapshots.effectPositions()
        last = { rows: snapshot?.positions, effects }
        if (snapshot !== undefined && isPast(snapshot.positions) && isPast(effects)) {
          this.history.snapshots.push(snapshot)
          return
        }
      } catch (error) {
        // A database that is away, or tables that are dropped between two questions: asked again.
        last = error
      }
      await sleep(POLL_MS)
    }
    const text = last instanceof Error ? String(last) : JSON.stringify(last)
    this.history.stuck.push(`${after}: the ends are ${ends.join()}, and there is ${text}; ${await this.#said()}`)
  }

  /** Waits until no transaction is open: what lies behind one is in no committed end, and would not be missed. */
  async #decided(): Promise<void> {
    const deadlineMs = performance.now() + HEAL_MS
    while (performance.now() < deadlineMs) {
      const [all, committed] = [await this.#kafka?.endOffsets(TOPIC, 'uncommitted'), await this.#ends()]
      if (all?.every((end, partition) => end === committed[partition]) === true) return
      await sleep(POLL_MS)
    }
    this.history.stuck.push('a transaction stays open')
  }

  async #said(): Promise<string> {
    const answer = this.process
      .ask('status', 'status')
      .then(({ states, errors }) => `${states.join()} ${errors.join()}`)
    return await Promise.race([answer.catch(String), sleep(2_000, 'no status')])
  }

  async #lines(file: string): Promise<readonly string[]> {
    const text = await readFile(join(this.#directory, file), 'utf8').catch(() => '')
    return text.split('\n').filter(Boolean)
  }

  async #ends(): Promise<readonly number[]> {
    return (await this.#kafka?.endOffsets(TOPIC, 'committed')) ?? []
  }

  /** Waits for something that has to come. */
  async until(what: string, isThere: () => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + (this.#options.healMs ?? HEAL_MS)
    let trouble = ''
    while (performance.now() < deadlineMs) {
      const isOver = await isThere().catch((error: unknown) => {
        trouble = `: ${String(error)}`
        return false
      })
      if (isOver) return
      await sleep(POLL_MS)
    }
    throw new Error(`${what} is waited for in vain${trouble}`)
  }

  async #startBroker(): Promise<BrokerProcess> {
    // Members that stand still are to be given up soon.
    const config = { 'group.min.session.timeout.ms': '500' }
    return await BrokerProcess.start({ dataDirectory: join(this.#directory, 'broker'), port: this.#brokerPort, config })
  }

  async #startPostgres(kafka: KafkaClient): Promise<void> {
    const server = await startPostgres({ fsync: 'off' })
    this.#postgres = server
    this.#proxy = await PostgresProxy.start(server.port)
    this.#snapshots = new PostgresSnapshots(server.connection)
    if (this.isShared) this.#watch = new SharingWatch(kafka, server.connection)
    const client = new Client(server.connection)
    await client.connect()
    await client.query(`CREATE SCHEMA audit; CREATE SEQUENCE audit.tenure; CREATE TABLE audit.applied (
      seq bigserial, schema text NOT NULL DEFAULT current_schema(), incarnation integer NOT NULL,
      partition integer NOT NULL, place integer NOT NULL, account text NOT NULL)`)
    await client.end()
  }
}

function seenEffect(line: string): SeenEffect {
  const [incarnation = 0, partition = 0, offset = 0] = line.split(' ').map(Number)
  return { incarnation, partition, offset }
}
