import { describe, expect, it } from 'vitest'
import type { LogWriter } from '../log/schema-log.ts'
import { registryError } from '../registry-error.ts'
import { type ForwardOutcome, routeWrite, type WriteRequest, type WritingRegistry } from './route-write.ts'

const a: LogWriter = { id: 'a', url: 'http://a' }
const b: LogWriter = { id: 'b', url: 'http://b' }

/** A registry of a few words: who writes, what a claim does, and what happened. */
class Story implements WritingRegistry {
  isWriter = false
  otherWriter: LogWriter | undefined
  readonly events: string[] = []
  onClaim = (): void => {
    this.isWriter = true
  }
  onCatchUp = (): void => undefined
  nowMs = 0

  async claim(reason: string): Promise<void> {
    this.events.push(`claim: ${reason}`)
    this.onClaim()
  }

  async catchUp(): Promise<boolean> {
    this.events.push('catch up')
    this.onCatchUp()
    return true
  }

  /** Carries a request out; `outcomes` are what the registries it is sent to answer. */
  run(request: Partial<WriteRequest<string>>, ...outcomes: readonly ForwardOutcome<string>[]): Promise<string> {
    const left = [...outcomes]
    const whole: WriteRequest<string> = {
      isRepeatable: true,
      runHere: async () => {
        this.events.push('here')
        return 'done here'
      },
      forward: async ({ id }) => {
        this.events.push(`to ${id}`)
        return left.shift() ?? outcomes.at(-1) ?? { kind: 'not-taken', reason: 'nobody' }
      },
      ...request,
    }
    return routeWrite(this, whole, {
      deadlineMs: 10_000,
      now: () => this.nowMs,
      random: () => 0.5,
      sleep: async (ms) => {
        this.nowMs += ms
        this.events.push(`sleep ${ms}`)
      },
    })
  }
}

const answered = { kind: 'answered', answer: 'done there' } as const
const nobody = { kind: 'not-taken', reason: 'connect ECONNREFUSED' } as const
const lost = { kind: 'lost', reason: 'no answer within 6000 ms' } as const

describe('a change', () => {
  it('is carried out here when this registry writes', async () => {
    const story = new Story()
    story.isWriter = true
    expect(await story.run({})).toBe('done here')
    expect(story.events).toEqual(['here'])
  })

  it('is passed on when another one writes, and its effect is read before the answer is given', async () => {
    const story = new Story()
    story.otherWriter = a
    expect(await story.run({}, answered)).toBe('done there')
    expect(story.events).toEqual(['to a', 'catch up'])
  })

  it('makes this registry the writer when nobody is known to write', async () => {
    const story = new Story()
    expect(await story.run({})).toBe('done here')
    expect(story.events).toEqual(['claim: no writer is known', 'here'])
  })

  it('makes this registry the writer when the other one is not there any more, after asking three times', async () => {
    const story = new Story()
    story.otherWriter = a
    expect(await story.run({}, nobody)).toBe('done here')
    expect([story.events.slice(0, -2).join(', '), ...story.events.slice(-2)]).toEqual([
      'to a, sleep 50, catch up, to a, sleep 100, catch up, to a, sleep 200, catch up',
      'claim: http://a does not take changes: connect ECONNREFUSED',
      'here',
    ])
  })

  it('goes to a third one that has taken over meanwhile', async () => {
    const story = new Story()
    story.otherWriter = a
    story.onCatchUp = () => {
      story.otherWriter = b
    }
    expect(await story.run({}, nobody, answered)).toBe('done there')
    expect(story.events).toEqual(['to a', 'sleep 50', 'catch up', 'to b', 'catch up'])
  })

  it('goes to the one that was quicker when two take over at once', async () => {
    const story = new Story()
    story.onClaim = () => {
      story.otherWriter = b
      throw registryError('notTheWriter')
    }
    expect(await story.run({}, answered)).toBe('done there')
    expect(story.events).toEqual(['claim: no writer is known', 'sleep 50', 'catch up', 'to b', 'catch up'])
  })

  it('is passed on when this registry turns out to be fenced', async () => {
    const story = new Story()
    story.isWriter = true
    const runHere = () => {
      story.isWriter = false
      story.otherWriter = b
      return Promise.reject(registryError('notTheWriter'))
    }
    expect(await story.run({ runHere }, answered)).toBe('done there')
  })

  it('is sent again after a lost answer only when that cannot do harm', async () => {
    const repeatable = new Story()
    repeatable.otherWriter = a
    expect(await repeatable.run({}, lost)).toBe('done here')
    expect(repeatable.events.filter((event) => event.startsWith('to'))).toEqual(['to a'])

    const deletion = new Story()
    deletion.otherWriter = a
    await expect(deletion.run({ isRepeatable: false }, lost)).rejects.toMatchObject({
      code: 50003,
      message: expect.stringContaining('it may have been carried out: read before you try again'),
    })
  })

  it('is refused by the registry that carries it out as it would be there', async () => {
    const story = new Story()
    story.isWriter = true
    const refusal = registryError('subjectNotFound', 's')
    await expect(story.run({ runHere: () => Promise.reject(refusal) })).rejects.toBe(refusal)
  })

  it('ends with 50003 when nobody can be made the writer in time', async () => {
    const story = new Story()
    story.onClaim = () => {
      throw registryError('notTheWriter')
    }
    await expect(story.run({})).rejects.toMatchObject({ code: 50003 })
    expect(story.nowMs).toBeLessThan(20_000)
  })
})
