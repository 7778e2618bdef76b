import { AlterClientQuotas, AlterUserScramCredentials, IncrementalAlterConfigs } from '@keyfold/protocol'
import { resourceTypes } from '../../../../libs/broker/src/topics/config-changes.ts'
import { expectNone, type Step } from './steps-logs.ts'

const setOperation = 0
const deleteOperation = 1

/** Settings of a topic, a broker ('' for all) or a group; null takes one back. */
export const configure =
  (kind: keyof typeof resourceTypes, resourceName: string, values: Record<string, string | null>): Step =>
  async (scene) => {
    const configs = Object.entries(values).map(([name, value]) => ({
      name,
      configOperation: value === null ? deleteOperation : setOperation,
      value,
    }))
    const resources = [{ resourceType: resourceTypes[kind], resourceName, configs }]
    const { responses } = await scene.ask(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
    expectNone(`configuring ${kind} ${resourceName}: ${responses[0]?.errorMessage}`, responses[0]?.errorCode)
    scene.shrink()
  }

/** Lets time pass, with all that falls due. Nobody waits for what that writes. */
export const pass =
  (ms: number): Step =>
  (scene) => {
    scene.clock.pass(ms)
    return Promise.resolve()
  }

/** Retention is about to delete what it may of this topic. */
export const expireRecords =
  (topic: string): Step =>
  (scene) => {
    scene.forgetTopic(topic)
    return Promise.resolve()
  }

/** One round of the cleaner, with something to do. */
export const compact: Step = async (scene) => {
  if ((await scene.compact()) === 0) throw new Error('there was nothing to compact')
}

export const checkpoint: Step = async (scene) => {
  await scene.broker.storage.checkpoint()
  scene.promise()
}

/** The broker ends as it should and starts again on the same disk. */
export const restart: Step = async (scene) => {
  await scene.broker.close()
  scene.promise()
  await scene.open()
}

/** The process is killed and starts again; the system keeps what was written. */
export const kill: Step = async (scene) => {
  await scene.reopen()
}

/** Several clients at once: each goes on when its own answer is there. */
export const together =
  (...scripts: readonly (readonly Step[])[]): Step =>
  async (scene) => {
    await Promise.all(
      scripts.map(async (steps) => {
        for (const step of steps) await step(scene)
      }),
    )
  }

export const setQuota =
  (user: string, value: number | null): Step =>
  async (scene) => {
    const entity = [{ entityType: 'user', entityName: user }]
    const ops = [{ key: 'producer_byte_rate', value: value ?? 0, remove: value === null }]
    const { entries } = await scene.ask(AlterClientQuotas, 1, { entries: [{ entity, ops }], validateOnly: false })
    expectNone('setting a quota', entries[0]?.errorCode)
  }

export const setCredential =
  (name: string, mechanism = 1): Step =>
  async (scene) => {
    const secret = { salt: Buffer.from('salt'), saltedPassword: Buffer.alloc(32, 5) }
    const upsertions = [{ name, mechanism, iterations: 8192, ...secret }]
    const { results } = await scene.ask(AlterUserScramCredentials, 0, { deletions: [], upsertions })
    expectNone('setting a credential', results[0]?.errorCode)
  }

export const deleteCredential =
  (name: string, mechanism = 1): Step =>
  async (scene) => {
    const deletions = [{ name, mechanism }]
    const { results } = await scene.ask(AlterUserScramCredentials, 0, { deletions, upsertions: [] })
    expectNone('deleting a credential', results[0]?.errorCode)
  }
