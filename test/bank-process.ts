import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { endProcess } from './end-process.ts'
import { ROOT } from './tidy/tree.ts'

export interface BankProcess {
  readonly bankUrl: string
  readonly registryUrl: string
  readonly broker: string
  readonly child: ChildProcess
  /** Everything it has printed on standard output so far. */
  output(): string
  /** SIGKILL, and wait until it is gone. */
  kill(): Promise<void>
  /** SIGTERM, and wait for the clean end. Resolves with the exit code. */
  stop(): Promise<number | null>
}

export interface BankExit {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

type Env = Readonly<Record<string, string>>

/** Starts the built bank as a process of its own, on free ports, and waits until it serves. */
export async function startBank(
  dataDirectory: string,
  options: { readonly args?: readonly string[]; readonly env?: Env } = {},
): Promise<BankProcess> {
  const child = launch(['--data', dataDirectory, '--port', '0', '--no-tour', ...(options.args ?? [])], options.env)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()))
  const exited = once(child, 'exit') as Promise<[number | null]>
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', () => stdout.includes('Ctrl-C') && resolve())
    void exited.then(([code]) => reject(new Error(`the bank ended with ${code} before it was up:\n${stdout}${stderr}`)))
  })
  await ready
  const address = (name: string) => new RegExp(`^ {2}${name} +(\\S+)`, 'm').exec(stdout)?.[1] ?? ''
  return {
    bankUrl: address('bank'),
    registryUrl: address('registry'),
    broker: address('broker'),
    child,
    output: () => stdout,
    kill: async () => void (await endProcess(child, 'SIGKILL')),
    stop: () => endProcess(child, 'SIGTERM'),
  }
}

/** Runs the bank to its end. */
export async function runBank(args: readonly string[], env: Env = {}): Promise<BankExit> {
  const child = launch(args, env)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()))
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, stdout, stderr }
}

function launch(args: readonly string[], env: Env = {}): ChildProcess {
  return spawn(process.execPath, [join(ROOT, 'apps/bank/dist/main.js'), ...args], {
    env: { ...environment(), KEYFOLD_BROKER_PORT: '0', KEYFOLD_REGISTRY_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** The test's own environment without what would point the bank elsewhere, or make it read sources. */
function environment(): NodeJS.ProcessEnv {
  const { KAFKA_BROKERS: _brokers, SCHEMA_REGISTRY_URL: _registry, NODE_OPTIONS: _options, ...rest } = process.env
  return { ...rest, NO_COLOR: '1' }
}
