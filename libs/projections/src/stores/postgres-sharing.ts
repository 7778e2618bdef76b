import type { GenerationRecord, ReadModel, TopicPartition } from '../read-model-store.ts'
import type { Progress } from '../rebuild/progress.ts'
import type { RebuildOrder, SeenPartition, SharedReadModel, Sight } from '../sharing/shared-read-model.ts'
import type { PostgresConnections } from './postgres-connections.ts'
import type { PostgresControl } from './postgres-control.ts'
import { PostgresGeneration } from './postgres-generation.ts'
import type { PostgresReader, PostgresTransaction } from './postgres-transaction.ts'

/** `$.` is the control schema. */
export const SHARING_TABLES = `
  CREATE TABLE IF NOT EXISTS $.lead (
    projector text PRIMARY KEY, leader text NOT NULL, until timestamptz NOT NULL
  );
  CREATE TABLE IF NOT EXISTS $.led_rebuild (
    projector text PRIMARY KEY, leader text NOT NULL, generation integer NOT NULL, progress json NOT NULL, asked text
  );
  CREATE TABLE IF NOT EXISTS $.halted (
    projector text NOT NULL, generation integer NOT NULL, topic text NOT NULL, partition integer NOT NULL,
    error text NOT NULL, PRIMARY KEY (projector, generation, topic, partition)
  );`

/** One statement: what it answers was true at one moment. */
const LOOK = `SELECT p.started, p.paused,
  (SELECT leader FROM $.lead WHERE projector = p.name AND until > now()) AS leader,
  (SELECT json_build_object('progress', progress, 'asked', asked) FROM $.led_rebuild JOIN $.lead USING (projector, leader)
    WHERE projector = p.name AND until > now()) AS rebuild,
  (SELECT coalesce(json_agg(json_build_object('generation', generation, 'version', version, 'status', status)
    ORDER BY generation), '[]') FROM $.generation WHERE projector = p.name) AS generations,
  (SELECT coalesce(json_agg(json_build_object('topic', c.topic, 'partition', c.partition, 'position', c.position,
      'halted', h.error, 'parked', (SELECT count(*) FROM $.parked k WHERE (k.projector, k.generation, k.topic, k.partition)
        = (c.projector, c.generation, c.topic, c.partition))) ORDER BY c.topic, c.partition), '[]')
    FROM $.checkpoint c JOIN $.generation g ON g.projector = c.projector AND g.generation = c.generation
    LEFT JOIN $.halted h ON (h.projector, h.generation, h.topic, h.partition)
      = (c.projector, c.generation, c.topic, c.partition)
    WHERE c.projector = p.name AND g.status = 'active') AS partitions
  FROM $.projector p WHERE p.name = $1`

/** Before both that follow: whoever enters sees a lead, or has a lower epoch than the leader will get. */
const IN_TURN = 'SELECT FROM $.projector WHERE name = $1 FOR UPDATE'
const ENTER = `UPDATE $.projector SET owner_epoch = owner_epoch + 1 WHERE name = $1 AND NOT paused
  AND NOT EXISTS (SELECT FROM $.lead WHERE projector = $1 AND until > clock_timestamp()) RETURNING owner_epoch AS epoch`
const LEAD = `INSERT INTO $.lead AS l VALUES ($1, $2, now() + $3 * interval '1 millisecond')
  ON CONFLICT (projector) DO UPDATE SET leader = $2, until = excluded.until
  WHERE l.leader = $2 OR l.until <= now() RETURNING 1`
const RESIGN = `WITH shown AS (DELETE FROM $.led_rebuild WHERE projector = $1 AND leader = $2)
  DELETE FROM $.lead WHERE projector = $1 AND leader = $2`
/** What was asked belongs to one rebuild of one leader. */
const SHOW = `INSERT INTO $.led_rebuild AS r (projector, leader, generation, progress)
  SELECT projector, leader, $3::integer, $4::json FROM $.lead WHERE projector = $1 AND leader = $2 AND until > now()
  ON CONFLICT (projector) DO UPDATE SET leader = excluded.leader, generation = excluded.generation,
    progress = excluded.progress,
    asked = CASE WHEN (r.leader, r.generation) = (excluded.leader, excluded.generation) THEN r.asked END`
const ASK = `UPDATE $.led_rebuild AS r SET asked = $3 FROM $.lead AS l
  WHERE r.projector = $1 AND r.generation = $2 AND coalesce(r.asked, $3) = $3
    AND l.projector = r.projector AND l.leader = r.leader AND l.until > now() RETURNING 1`
const ANSWERED = 'UPDATE $.led_rebuild SET asked = NULL WHERE projector = $1 AND leader = $2'
const HALT = `INSERT INTO $.halted VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (projector, generation, topic, partition) DO UPDATE SET error = $5`

interface LookRow {
  readonly [column: string]: unknown
  readonly started: boolean
  readonly paused: boolean
  readonly leader: string | null
  readonly rebuild: { readonly progress: Progress; readonly asked: RebuildOrder | null } | null
  readonly generations: readonly GenerationRecord[]
  readonly partitions: readonly (Omit<SeenPartition, 'halted'> & { readonly halted: string | null })[]
}

/** What is shared of a projector, in the tables of the control schema. */
export class PostgresSharing implements SharedReadModel<PostgresTransaction, PostgresReader> {
  readonly #connections: PostgresConnections
  readonly #control: PostgresControl
  readonly #projector: string
  readonly #owned: (ownerEpoch: number) => ReadModel<PostgresTransaction, PostgresReader>

  constructor(
    connections: PostgresConnections,
    control: PostgresControl,
    projector: string,
    owned: (ownerEpoch: number) => ReadModel<PostgresTransaction, PostgresReader>,
  ) {
    this.#connections = connections
    this.#control = control
    this.#projector = projector
    this.#owned = owned
  }

  /** On a connection for questions: those that write may all be at work. */
  async look(): Promise<Sight | undefined> {
    const { rows } = await this.#connections.read<LookRow>('public', this.#control.sql(LOOK), [this.#projector])
    const [row] = rows
    if (row === undefined) return undefined
    const { started, paused, generations } = row
    const partitions = row.partitions.map((each) => ({ ...each, halted: each.halted ?? undefined }))
    const rebuild = row.rebuild === null ? undefined : { ...row.rebuild, asked: row.rebuild.asked ?? undefined }
    return { record: { started, paused, generations }, leader: row.leader ?? undefined, rebuild, partitions }
  }

  async enter(): Promise<ReadModel<PostgresTransaction, PostgresReader> | undefined> {
    const { rows } = await this.#inTurn<{ epoch: number }>(ENTER, [])
    return rows[0] === undefined ? undefined : this.#owned(rows[0].epoch)
  }

  openForQueries({ generation, version }: GenerationRecord): PostgresGeneration {
    const shared = { connections: this.#connections, control: this.#control }
    return new PostgresGeneration({ ...shared, projector: this.#projector, generation, version, ownerEpoch: 0 })
  }

  async lead(leader: string, leaseMs: number): Promise<boolean> {
    const { rowCount } = await this.#inTurn(LEAD, [leader, leaseMs])
    if (rowCount !== 1) return false
    await this.#run('DELETE FROM $.halted WHERE projector = $1', [])
    return true
  }

  async resign(leader: string): Promise<void> {
    await this.#run(RESIGN, [leader])
  }

  async setHalted(generation: number, { topic, partition }: TopicPartition, error: string): Promise<void> {
    await this.#run(HALT, [generation, topic, partition, error])
  }

  async showRebuild(leader: string, progress: Progress): Promise<void> {
    await this.#run(SHOW, [leader, progress.generation, JSON.stringify(progress)])
  }

  async askForRebuild(generation: number, order: RebuildOrder): Promise<boolean> {
    return (await this.#run(ASK, [generation, order])).rowCount === 1
  }

  async answered(leader: string): Promise<void> {
    await this.#run(ANSWERED, [leader])
  }

  #inTurn<Row extends Record<string, unknown>>(text: string, values: readonly unknown[]) {
    return this.#connections.transaction('BEGIN', async (client) => {
      await client.query(this.#control.sql(IN_TURN), [this.#projector])
      return await client.query<Row>(this.#control.sql(text), [this.#projector, ...values])
    })
  }

  #run<Row extends Record<string, unknown>>(text: string, values: readonly unknown[]) {
    return this.#connections.run<Row>(this.#control.sql(text), [this.#projector, ...values])
  }
}
