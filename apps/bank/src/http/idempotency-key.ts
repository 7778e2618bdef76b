import { BadRequestException, createParamDecorator, type ExecutionContext } from '@nestjs/common'

/** The `Idempotency-Key` header: the id of the command, so that a request sent again happens once. */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext): string | undefined => {
  const request = context.switchToHttp().getRequest<{ headers: Record<string, string | string[] | undefined> }>()
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(key))
    throw new BadRequestException('Idempotency-Key must be one value of 1 to 128 visible ASCII characters')
  return key
})
