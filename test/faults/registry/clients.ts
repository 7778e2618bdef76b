import { setTimeout as sleep } from 'node:timers/promises'
import type { History, Registration } from './history.ts'

export interface ClientWorld {
  readonly history: History
  readonly random: () => number
  /** Where registries are, dead ones included. */
  readonly urls: readonly string[]
  readonly isDone: () => boolean
}

const SUBJECTS = ['accounts', 'transfers', 'cards']
const PATIENCE_MS = 20_000

/**
 * Registers schemas, one after the other, at whichever registry comes to mind: one that many register at the same time,
 * or one of its own. Looks up what was acknowledged.
 */
export async function runClient(world: ClientWorld, client: number): Promise<void> {
  for (let step = 0; !world.isDone(); step++) {
    const { random, history } = world
    const own = random() < 0.4
    // Shared schemas come up in the same order for everybody, so that many ask for a new one at once.
    const name = own ? `c${client}s${step}` : `shared${Math.floor(history.acknowledged.length / 10)}`
    const registration: Registration = {
      client,
      subject: SUBJECTS[Math.floor(random() * SUBJECTS.length)] ?? '',
      schema: schemaText(name),
      outcome: 'unknown',
    }
    history.registrations.push(registration)
    const at = anyOf(world)
    await register(at, registration)
    if (registration.outcome === 'acknowledged') await lookUp(world, at, registration)
    else await sleep(10 + random() * 40)
  }
}

/** As registries store it, so that texts can be compared. */
export function schemaText(name: string): string {
  return `{"type":"record","name":"R","fields":[{"name":"${name}","type":"int","default":0}]}`
}

async function register(url: string, registration: Registration): Promise<void> {
  const { subject, schema } = registration
  const answer = await request(`${url}/subjects/${subject}/versions`, { schema })
  if (answer === undefined) return
  const { status, body } = answer
  registration.outcome = status === 200 ? 'acknowledged' : 'refused'
  if (status !== 200) {
    registration.refusal = `${status} ${JSON.stringify(body)}`
    return
  }
  registration.id = Number(body['id'])
  registration.version = Number(body['version'])
}

/** The registry that acknowledged an id knows it; a registry that is asked for it at all knows the right schema. */
async function lookUp({ history }: ClientWorld, url: string, { id = 0, schema }: Registration): Promise<void> {
  const answer = await request(`${url}/schemas/ids/${id}`)
  if (answer?.status === 200) history.lookUps.push({ id, schema: String(answer.body['schema']) })
  else if (answer?.status === 404)
    history.forgotten.push(`${url} acknowledged ${schema} with ${id} and does not know it`)
}

function anyOf({ urls, random }: ClientWorld): string {
  return urls[Math.floor(random() * urls.length)] ?? ''
}

/** Nothing when there was no answer, or only half of one. */
async function request(
  url: string,
  body?: object,
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> } | undefined> {
  const content = body && {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  }
  try {
    const response = await fetch(url, { ...content, signal: AbortSignal.timeout(PATIENCE_MS) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  } catch {
    return undefined
  }
}
