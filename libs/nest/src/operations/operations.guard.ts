import { createHash, timingSafeEqual } from 'node:crypto'
import { type CanActivate, type ExecutionContext, ForbiddenException, Inject, Injectable } from '@nestjs/common'
import { OPERATIONS_OPTIONS, type OperationsOptions } from './operations-options.ts'

interface HttpRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly socket: { readonly remoteAddress?: string }
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/
/** Only proxies send these; behind one, every caller seems to be on this machine. */
const PROXIED = ['forwarded', 'x-forwarded-for', 'x-real-ip']

/** Lets in who has the token, or without one who is on this machine. */
@Injectable()
export class OperationsGuard implements CanActivate {
  readonly #token: string | undefined

  constructor(@Inject(OPERATIONS_OPTIONS) { token }: OperationsOptions) {
    this.#token = token
  }

  canActivate(context: ExecutionContext): boolean {
    const { headers, socket } = context.switchToHttp().getRequest<HttpRequest>()
    if (this.#token !== undefined) {
      if (isEqual(String(headers['authorization'] ?? ''), `Bearer ${this.#token}`)) return true
      throw new ForbiddenException('send the token of KeyfoldOperationsModule as Authorization: Bearer <token>')
    }
    const isLocal = LOOPBACK.test(socket.remoteAddress ?? '') && PROXIED.every((name) => headers[name] === undefined)
    if (isLocal) return true
    throw new ForbiddenException(
      'without KeyfoldOperationsModule.forRoot({ token }) only callers on this machine are let in',
    )
  }
}

/** Takes as long for a near miss as for anything else. */
function isEqual(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(wanted))
}
