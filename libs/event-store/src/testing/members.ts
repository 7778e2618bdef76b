import { aggregate, applies, defineCommand, defineEvent, eventFor, handles, reject } from '@keyfold/eventsourcing'

/** Members of clubs, for tests of rules over several aggregates: an e-mail address is used once per club. */

export const membersTopic = 'club.member'

const event = <Name extends string, Data>(name: Name, fields: readonly object[]) => {
  const [namespace, shortName] = name.split('.')
  return defineEvent<Name, Data>({
    name,
    versions: [{ version: 1, schema: { type: 'record', name: shortName, namespace, fields } }],
  })
}
const text = (name: string) => ({ name, type: 'string' })

export const Joined = event<'club.Joined', { email: string }>('club.Joined', [text('email')])
export const EmailChanged = event<'club.EmailChanged', { email: string }>('club.EmailChanged', [text('email')])
export const Left = event<'club.Left', object>('club.Left', [])
export const EmailTaken = event<'club.EmailTaken', { by: string }>('club.EmailTaken', [text('by')])
export const EmailFreed = event<'club.EmailFreed', object>('club.EmailFreed', [])

/** Ids are `<club>/member/<name>` and `<club>/email/<address>`: a club is one partition key. */
export class Join extends defineCommand<{ readonly id: string; readonly email: string }>({
  name: 'club.Join',
  key: 'id',
}) {}
export class ChangeEmail extends defineCommand<{ readonly id: string; readonly email: string }>({
  name: 'club.ChangeEmail',
  key: 'id',
}) {}
export class Leave extends defineCommand<{ readonly id: string }>({ name: 'club.Leave', key: 'id' }) {}
/** Asks for an aggregate of another club. */
export class Stray extends defineCommand<{ readonly id: string; readonly how: 'look' | 'write' }>({
  name: 'club.Stray',
  key: 'id',
}) {}

interface Member {
  readonly email: string | undefined
  /** Of an address: whose it is. */
  readonly takenBy: string | undefined
}

const clubOf = (id: string) => id.split('/')[0] ?? id
const addressId = (id: string, email: string) => `${clubOf(id)}/email/${email}`

export const member = aggregate<Member>({
  name: 'member',
  topic: membersTopic,
  partitionKey: clubOf,
  initialState: () => ({ email: undefined, takenBy: undefined }),
  decide: [
    handles(Join, ({ id, email }, state: Member, { stateOf }) => {
      if (state.email !== undefined) return reject('ALREADY_A_MEMBER')
      const address = addressId(id, email)
      const { takenBy } = stateOf<Member>(address).state
      if (takenBy !== undefined) return reject('EMAIL_IN_USE', 'the address is in use', { takenBy })
      return [Joined({ email }), eventFor(address, EmailTaken({ by: id }))]
    }),
    handles(ChangeEmail, ({ id, email }, state: Member, { stateOf }) => {
      if (state.email === undefined) return reject('NOT_A_MEMBER')
      if (stateOf<Member>(addressId(id, email)).state.takenBy !== undefined) return reject('EMAIL_IN_USE')
      return [
        eventFor(addressId(id, state.email), EmailFreed({})),
        EmailChanged({ email }),
        eventFor(addressId(id, email), EmailTaken({ by: id })),
      ]
    }),
    handles(Leave, ({ id }, state: Member) => {
      if (state.email === undefined) return reject('NOT_A_MEMBER')
      return [Left({}), eventFor(addressId(id, state.email), EmailFreed({}))]
    }),
    handles(Stray, ({ how }, _state: Member, { stateOf }) => {
      if (how === 'look') stateOf('elsewhere/member/x')
      return eventFor('elsewhere/member/x', Left({}))
    }),
  ],
  evolve: [
    applies(Joined, (state: Member, { email }) => ({ ...state, email })),
    applies(EmailChanged, (state: Member, { email }) => ({ ...state, email })),
    applies(Left, (state: Member) => ({ ...state, email: undefined })),
    applies(EmailTaken, (state: Member, { by }) => ({ ...state, takenBy: by })),
    applies(EmailFreed, (state: Member) => ({ ...state, takenBy: undefined })),
  ],
})
