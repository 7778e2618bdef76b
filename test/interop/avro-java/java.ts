import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'

/** Avro Java in a process of its own: answers questions in the order in which they were asked. */
export class AvroJava {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>

  constructor(classpath: string) {
    this.#process = spawn('java', ['-Xss4m', '-cp', classpath, 'interop.Driver'])
    this.#process.stderr.pipe(process.stderr)
    const lines: Interface = createInterface({ input: this.#process.stdout, crlfDelay: Infinity })
    this.#lines = lines[Symbol.asyncIterator]()
  }

  /** Bounded batches: neither side may fill the other's pipe while nobody reads. */
  async ask<Answer>(questions: readonly object[]): Promise<Answer[]> {
    const answers: Answer[] = []
    for (let start = 0; start < questions.length; start += BATCH) {
      const batch = questions.slice(start, start + BATCH)
      this.#process.stdin.write(batch.map((question) => `${JSON.stringify(question)}\n`).join(''))
      for (const question of batch) {
        const line = await this.#lines.next()
        if (line.done) throw new Error(`Avro Java ended at ${JSON.stringify(question)}`)
        answers.push(JSON.parse(line.value) as Answer)
      }
    }
    return answers
  }

  async close(): Promise<void> {
    this.#process.stdin.end()
    if (this.#process.exitCode === null) await once(this.#process, 'exit')
  }
}

const BATCH = 200
