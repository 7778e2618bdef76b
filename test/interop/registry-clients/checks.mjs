import { deepStrictEqual } from 'node:assert'

/** Runs one check and prints a line of JSON about it. */
export async function check(name, work) {
  try {
    await work()
    console.log(JSON.stringify({ name, status: 'passed' }))
  } catch (error) {
    console.log(JSON.stringify({ name, status: 'failed', message: String(error?.stack ?? error) }))
  }
}

export const same = deepStrictEqual

/** Fails unless the work does so with an error that has these members. */
export async function refused(work, members) {
  try {
    await work()
  } catch (error) {
    for (const [name, value] of Object.entries(members)) same(error[name], value)
    return
  }
  throw new Error('it was not refused')
}

const field = (name, type, more = {}) => ({ name, type, ...more })
const record = (...fields) => JSON.stringify({ type: 'record', name: 'Paid', namespace: 'bank', fields })

export const v1 = record(field('amount', 'int'))
export const v2 = record(field('amount', 'int'), field('memo', 'string', { default: '' }))
export const breaking = record(field('currency', 'string'))
