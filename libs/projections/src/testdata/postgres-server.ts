import { execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** A real PostgreSQL of a test's own, on a free port of 127.0.0.1, with its data in a temporary directory. */
export interface PostgresServer {
  readonly port: number
  readonly connection: { readonly host: string; readonly port: number; readonly user: string; readonly database: string }
  /** Stops it: `fast` breaks connections, `immediate` is a crash. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>
  start(): Promise<void>
  /** Stops it and deletes its data. */
  destroy(): Promise<void>
}

/** Where initdb and postgres are: KEYFOLD_POSTGRES_BIN, the PATH, or where distributions put them; else undefined. */
export function findPostgres(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((left, right) => Number(right) - Number(left)) : []
  const places = [
    process.env['KEYFOLD_POSTGRES_BIN'],
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/opt/homebrew/bin',
    '/usr/local/pgsql/bin',
  ]
  return places.find((place) => place !== undefined && existsSync(join(place, 'initdb')) && existsSync(join(place, 'postgres')))
}

/** @throws {Error} when there are no server binaries: ask `findPostgres` first. */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  const bin = findPostgres()
  if (bin === undefined) throw new Error('no PostgreSQL server here: install one, or set KEYFOLD_POSTGRES_BIN')
  const base = mkdtempSync(join(tmpdir(), 'keyfold-postgres-'))
  const data = join(base, 'data')
  const owner = unprivileged()
  if (owner !== undefined) chownSync(base, owner.uid, owner.gid)
  const options = { ...owner, cwd: base, stdio: 'ignore' as const }
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'keyfold', '-A', 'trust', '-E', 'UTF8', '--no-sync'], options)
  const port = await freePort()
  const flags = { listen_addresses: '127.0.0.1', unix_socket_directories: base, port: String(port), ...settings }
  const control = (...parameters: string[]): Promise<void> =>
    run(join(bin, 'pg_ctl'), ['-D', data, '-w', '-t', '60', ...parameters], options)
  const start = (): Promise<void> => {
    const written = Object.entries(flags).map(([name, value]) => `-c ${name}='${value}'`)
    return control('start', '-l', join(base, 'log'), '-o', written.join(' '))
  }
  const stop = (mode: 'fast' | 'immediate' = 'fast'): Promise<void> => control('stop', '-m', mode)
  await start()
  return {
    port,
    connection: { host: '127.0.0.1', port, user: 'keyfold', database: 'postgres' },
    start,
    stop,
    destroy: async () => {
      await stop('immediate').catch(() => {})
      rmSync(base, { recursive: true, force: true })
    },
  }
}

/** PostgreSQL refuses to run as root: the user `postgres` if there is one, else `nobody`. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (flag: '-u' | '-g'): number => {
    for (const user of ['postgres', 'nobody']) {
      try {
        return Number(execFileSync('id', [flag, user], { stdio: ['ignore', 'pipe', 'ignore'] }).toString())
      } catch {
        continue
      }
    }
    return 65_534
  }
  return { uid: idOf('-u'), gid: idOf('-g') }
}

function run(command: string, parameters: readonly string[], options: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, options)
    child.once('error', reject)
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${parameters.join(' ')} ended with ${code}`)),
    )
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
