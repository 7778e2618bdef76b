import 'reflect-metadata'
import { KeyfoldProblemFilter } from '@keyfold/nest'
import { ConsoleLogger, StandardSchemaValidationPipe } from '@nestjs/common'
import { HttpAdapterHost, NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { BankModule } from './bank.module.ts'

/** The bank as a Nest application, started but not listening yet. */
export async function createBank(): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({ bodyLimit: 64 * 1024, forceCloseConnections: true })
  const app = await NestFactory.create<NestFastifyApplication>(BankModule, adapter, {
    logger: new BankLogger({ logLevels: ['warn', 'error', 'fatal'] }),
    abortOnError: false,
  })
  app.useGlobalPipes(new StandardSchemaValidationPipe())
  app.useGlobalFilters(new KeyfoldProblemFilter(app.get(HttpAdapterHost), { rejections: REJECTION_STATUSES }))
  await app.init()
  return app
}

/** What Nest logs about a start that failed is also thrown, and is said once, by whoever started the bank. */
class BankLogger extends ConsoleLogger {
  override error(message: unknown, ...rest: [stack?: string, context?: string]): void {
    if (!THROWN_TOO.has(rest.at(-1) ?? '')) super.error(message, ...rest)
  }
}

const THROWN_TOO = new Set(['ExceptionHandler', 'NestApplication'])

/** What the bank's rejections are in HTTP; the ones that are not here are 422. */
const REJECTION_STATUSES: Readonly<Record<string, number>> = {
  ACCOUNT_NOT_FOUND: 404,
  ACCOUNT_ALREADY_OPEN: 409,
  ACCOUNT_CLOSED: 409,
  ACCOUNT_NOT_EMPTY: 409,
  PAYMENT_ALREADY_REQUESTED: 409,
}
