import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Hello, type PeerMessage, peerProtocol } from './peer-messages.ts'
import type { PeerSocket } from './peer-socket.ts'

/** Who this instance is to the others. */
export interface PeerIdentity {
  readonly application: string
  readonly instanceId: string
  /** Empty: anybody on this machine may speak. */
  readonly secret: string
}

const timeoutMs = 5_000

/**
 * Both sides say who they are and whom they mean, then prove that they know the secret without sending it: each signs
 * both nonces, the caller first. Rejects and closes the connection when the other side is not what it should be: of
 * another application, a new instance at an old address, without the secret.
 */
export function shakeHands(socket: PeerSocket, self: PeerIdentity, calls: string | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const own: Hello = {
    protocol: peerProtocol,
    application: self.application,
    nonce: randomBytes(16).toString('hex'),
    from: self.instanceId,
    to: calls ?? '',
  }
  const timer = setTimeout(() => socket.close(new Error(`no handshake within ${timeoutMs} ms`)), timeoutMs)
  let theirs: Hello | undefined
  socket.onClose = (reason) => {
    clearTimeout(timer)
    reject(reason)
  }
  socket.onMessage = (message) => {
    const refusal = theirs === undefined ? refusalOf(message, own, calls) : undefined
    if (refusal !== undefined) return socket.close(new Error(refusal))
    if (message.kind === 'hello') {
      theirs = message
      if (calls !== undefined) socket.say({ kind: 'proof', proof: proofOf(self.secret, 'caller', own, message) })
      return
    }
    if (message.kind !== 'proof' || theirs === undefined) return socket.close(new Error('spoke before it was known'))
    const expected =
      calls === undefined ? proofOf(self.secret, 'caller', theirs, own) : proofOf(self.secret, 'called', own, theirs)
    if (!isSame(expected, message.proof)) return socket.close(new Error('does not know the secret'))
    if (calls === undefined) socket.say({ kind: 'proof', proof: proofOf(self.secret, 'called', theirs, own) })
    clearTimeout(timer)
    resolve()
  }
  socket.say({ kind: 'hello', ...own })
  return promise
}

function refusalOf(message: PeerMessage, own: Hello, calls: string | undefined): string | undefined {
  if (message.kind !== 'hello') return 'spoke before it said who it is'
  if (message.protocol !== peerProtocol) return `speaks version ${message.protocol}, not ${peerProtocol}`
  if (message.application !== own.application) return `belongs to the application ${message.application}`
  if (calls !== undefined) return message.from === calls ? undefined : `is ${message.from}, not ${calls}`
  return message.to === own.from ? undefined : `means ${message.to}, not ${own.from}`
}

function proofOf(secret: string, side: 'caller' | 'called', caller: Hello, called: Hello): string {
  const said = [side, caller.application, caller.from, called.from, caller.nonce, called.nonce].join('\n')
  return createHmac('sha256', secret).update(said).digest('hex')
}

function isSame(expected: string, given: unknown): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(String(given))]
  return left.length === right.length && timingSafeEqual(left, right)
}
