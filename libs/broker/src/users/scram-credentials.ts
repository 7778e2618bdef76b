import type { JournaledState, Storage } from '@keyfold/storage'
import { fromPayload, journalKinds, toPayload } from '../journal-kinds.ts'

/** Kafka's numbers for the mechanisms, and the hash that each is made of. */
export const scramMechanisms: ReadonlyMap<number, { name: string; hash: string }> = new Map([
  [1, { name: 'SCRAM-SHA-256', hash: 'SHA-256' }],
  [2, { name: 'SCRAM-SHA-512', hash: 'SHA-512' }],
])

/** What a server keeps of a password (RFC 5802), in base64: it can check one by it, but not log in with it. */
export interface ScramCredential {
  readonly user: string
  readonly mechanism: number
  readonly iterations: number
  readonly salt: string
  readonly storedKey: string
  readonly serverKey: string
}

interface Change {
  user: string
  mechanism: number
  /** Null to delete it. */
  credential: ScramCredential | null
}

/** The SCRAM credentials of users, journaled. */
export class ScramCredentials implements JournaledState {
  readonly name = 'scram-credentials'
  readonly kinds = [journalKinds.scramCredentialChanged]
  readonly #storage: Storage
  readonly #byUser = new Map<string, Map<number, ScramCredential>>()

  constructor(storage: Storage) {
    this.#storage = storage
  }

  get users(): string[] {
    return [...this.#byUser.keys()].toSorted()
  }

  /** All credentials of a user, in order of mechanism. */
  of(user: string): ScramCredential[] {
    return [...(this.#byUser.get(user)?.values() ?? [])].toSorted((a, b) => a.mechanism - b.mechanism)
  }

  get(user: string, mechanism: number): ScramCredential | undefined {
    return this.#byUser.get(user)?.get(mechanism)
  }

  /** Returns the lsn to await. */
  put(credential: ScramCredential): number {
    const { user, mechanism } = credential
    return this.#change({ user, mechanism, credential })
  }

  /** Returns the lsn to await. */
  delete(user: string, mechanism: number): number {
    return this.#change({ user, mechanism, credential: null })
  }

  apply(_kind: number, payload: Buffer): void {
    this.#apply(fromPayload<Change>(payload))
  }

  snapshot(): Buffer {
    return toPayload(this.users.flatMap((user) => this.of(user)))
  }

  restore(bytes: Buffer): void {
    for (const credential of fromPayload<ScramCredential[]>(bytes)) this.#apply({ ...credential, credential })
  }

  #change(change: Change): number {
    return this.#storage.append(journalKinds.scramCredentialChanged, toPayload(change))
  }

  #apply({ user, mechanism, credential }: Change): void {
    const ofUser = this.#byUser.get(user) ?? new Map<number, ScramCredential>()
    if (credential === null) ofUser.delete(mechanism)
    else ofUser.set(mechanism, credential)
    if (ofUser.size === 0) this.#byUser.delete(user)
    else this.#byUser.set(user, ofUser)
  }
}

/** The keys that RFC 5802 derives from a salted password: the server keeps these, and forgets the password. */
export async function scramKeys(
  hash: string,
  saltedPassword: Buffer,
): Promise<{ storedKey: string; serverKey: string }> {
  const algorithm = { name: 'HMAC', hash }
  const key = await crypto.subtle.importKey('raw', Uint8Array.from(saltedPassword), algorithm, false, ['sign'])
  const sign = (text: string): Promise<ArrayBuffer> => crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text))
  const storedKey = await crypto.subtle.digest(hash, await sign('Client Key'))
  return { storedKey: base64(storedKey), serverKey: base64(await sign('Server Key')) }
}

function base64(bytes: ArrayBuffer): string {
  return Buffer.from(bytes).toString('base64')
}
