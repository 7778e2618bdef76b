import { relative } from 'node:path'

interface TestEvent {
  type: string
  data: {
    name: string
    nesting: number
    file?: string
    skip?: boolean | string
    todo?: boolean | string
    details?: { error?: { message?: string; cause?: { message?: string } } }
  }
}

/** A reporter for node:test: one JSON line for each test as it ends, named by its file and itself. */
export default async function* (events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const file = data.file === undefined ? '' : relative(process.cwd(), data.file)
    const isSkipped = data.skip !== undefined || data.todo !== undefined
    const status = isSkipped ? 'skipped' : type === 'test:pass' ? 'passed' : 'failed'
    const { error } = data.details ?? {}
    const message = error?.cause?.message ?? error?.message
    yield `${JSON.stringify({ name: `${file}: ${data.name}`, status, message })}\n`
  }
}
