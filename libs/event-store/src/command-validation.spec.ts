import { commandDefinitionOf, defineCommand, type StandardResult, type StandardSchema } from '@keyfold/eventsourcing'
import { describe, expect, it } from 'vitest'
import { validatedCommand } from './command-validation.ts'

interface Payload {
  readonly id: string
  readonly amount: number
}

function schema(validate: (value: Payload) => StandardResult<Payload> | Promise<StandardResult<Payload>>) {
  const made: StandardSchema<unknown, Payload> = {
    '~standard': { version: 1, vendor: 'test', validate: (value) => validate(value as Payload) },
  }
  return made
}

function commandWith(validate: Parameters<typeof schema>[0]) {
  return class extends defineCommand<Payload>({ name: 'test.Pay', key: 'id', schema: schema(validate) }) {}
}

function validated(command: object) {
  const definition = commandDefinitionOf(command)
  if (definition === undefined) throw new Error('no command')
  return validatedCommand(command, definition)
}

describe('checking a command', () => {
  it.each([
    ['at once', (value: Payload) => ({ value })],
    ['later', async (value: Payload) => ({ value })],
  ])('passes what its schema passes %s', async (_, validate) => {
    const Pay = commandWith(validate)
    const command = new Pay({ id: 'a', amount: 1 })
    expect(await validated(command)).toMatchObject({
      kind: 'valid',
      key: 'a',
      command: { amount: 1 },
    })
  })

  it('takes over what the schema made of the values', async () => {
    const Pay = commandWith((value) => ({ value: { ...value, id: value.id.trim() } }))
    const valid = await validated(new Pay({ id: ' a ', amount: 1 }))
    expect(valid).toMatchObject({ kind: 'valid', key: 'a', command: { id: 'a' } })
    expect(valid.kind === 'valid' && valid.command).toBeInstanceOf(Pay)
  })

  it('names every issue with its place', async () => {
    const issues = [
      { message: 'must be positive', path: ['amount'] },
      { message: 'odd', path: [{ key: 'lines' }, 2] },
    ]
    const Pay = commandWith(() => ({ issues }))
    const checked = await validated(new Pay({ id: 'a', amount: -1 }))
    expect(checked).toMatchObject({
      kind: 'invalid',
      error: {
        code: 'COMMAND_INVALID',
        message: 'test.Pay: amount: must be positive; lines.2: odd',
        details: { issues: [{ path: 'amount' }, { path: 'lines.2' }] },
      },
    })
  })

  it.each([[undefined], [''], [{}], ['x'.repeat(2_000)]])('refuses %o as the id of an aggregate', async (id) => {
    const Pay = defineCommand<Payload>({ name: 'test.Pay', key: 'id' })
    const command = new Pay({ id: id as string, amount: 1 })
    expect(await validated(command)).toMatchObject({
      error: { details: { issues: [{ path: 'id' }] } },
    })
  })
})
