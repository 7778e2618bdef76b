import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { VictimProcess } from '../victim-process.ts'
import type { Order, ProcessPlan, Question, Report, Told } from './projecting-process.ts'

const main = fileURLToPath(new URL('projecting-process.ts', import.meta.url))
const ANSWER_MS = 60_000

/** A process that projects, and takes orders. */
export class ProjectorProcess extends VictimProcess {
  /** A later one has a higher one. */
  readonly incarnation: number
  readonly #errors: string[] = []

  /** Resolves once its projectors run, or wait for their database. */
  static async start(plan: ProcessPlan): Promise<ProjectorProcess> {
    const started = new ProjectorProcess(plan)
    try {
      await started.hear('running')
      return started
    } catch (error) {
      await started.kill()
      throw error
    }
  }

  private constructor(plan: ProcessPlan) {
    const execArgv = ['--conditions=@keyfold/source', '--no-warnings']
    super(fork(main, [JSON.stringify(plan)], { execArgv, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }))
    this.incarnation = plan.incarnation
    this.child.stderr?.on('data', (chunk: Buffer) => this.#errors.push(chunk.toString()))
  }

  order(order: Order): void {
    this.child.send(order)
  }

  /** The next report of one of these kinds. */
  async hear<Kind extends Report['kind']>(...kinds: Kind[]): Promise<Extract<Report, { kind: Kind }>> {
    return await new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.child.off('message', listen)
        this.child.off('exit', ended)
      }
      const ended = (): void => {
        settle()
        reject(new Error(`the projecting process ended before it said ${kinds.join(' or ')}: ${this.#errors.join('')}`))
      }
      const listen = (message: Report): void => {
        if (!(kinds as string[]).includes(message.kind)) return
        settle()
        resolve(message as Extract<Report, { kind: Kind }>)
      }
      const timer = setTimeout(() => {
        settle()
        reject(new Error(`the projecting process never said ${kinds.join(' or ')}`))
      }, ANSWER_MS)
      this.child.on('message', listen)
      this.child.on('exit', ended)
    })
  }

  async ask<Kind extends Report['kind']>(order: Order, ...kinds: Kind[]): Promise<Extract<Report, { kind: Kind }>> {
    const heard = this.hear(...kinds)
    this.order(order)
    return await heard
  }

  /** The answer to one question, however late; undefined when the process ends before. */
  async question(question: Question): Promise<Told | undefined> {
    const { promise, resolve } = Promise.withResolvers<Told | undefined>()
    const listen = (message: Report): void => {
      if (message.kind === 'told' && message.id === question.id) resolve(message)
    }
    const ended = (): void => resolve(undefined)
    this.child.on('message', listen)
    this.child.on('exit', ended)
    this.child.send(question, (error) => error !== null && ended())
    try {
      return await promise
    } finally {
      this.child.off('message', listen)
      this.child.off('exit', ended)
    }
  }
}
