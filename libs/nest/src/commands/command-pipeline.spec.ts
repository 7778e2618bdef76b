import { defineCommand } from '@keyfold/eventsourcing'
import {
  type ArgumentMetadata,
  type CallHandler,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  ForbiddenException,
  Inject,
  Injectable,
  Module,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common'
import { APP_GUARD, Reflector } from '@nestjs/core'
import { IsInt, Max } from 'class-validator'
import { tap } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandBus } from '../command-bus.ts'
import { Aggregate, Applies, Handles } from '../decorators/aggregate.decorator.ts'
import { KeyfoldModule } from '../keyfold.module.ts'
import { Filled } from '../testdata/tea.ts'
import { startTestApp, type TestApp } from '../testing/index.ts'
import { classValidatorMiddleware } from './class-validator.middleware.ts'
import type { CommandCall } from './command-middleware.ts'

class Steep extends defineCommand<{ potId: string; ml: number }>({ name: 'pot.Steep', key: 'potId' }) {
  @IsInt()
  @Max(2_000)
  declare readonly ml: number
}
class Plain extends defineCommand<{ potId: string; ml: number }>({ name: 'pot.Plain', key: 'potId' }) {}

const seen: string[] = []

/** A service that a guard asks for: enhancers are providers like any other. */
@Injectable()
class Rules {
  allows(ml: number): boolean {
    return ml < 900
  }
}

@Injectable()
class AmountGuard {
  readonly #rules: Rules
  readonly #reflector: Reflector

  constructor(@Inject(Rules) rules: Rules, @Inject(Reflector) reflector: Reflector) {
    this.#rules = rules
    this.#reflector = reflector
  }

  canActivate(context: ExecutionContext): boolean {
    const [command, options] = context.getArgs<[Steep, { commandId?: string }]>()
    const note = this.#reflector.get<string>('note', context.getHandler())
    seen.push(`${context.getType()} ${context.getClass().name} ${note} ${options.commandId}`)
    return this.#rules.allows(command.ml)
  }
}

@Injectable()
class OutcomeInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler<{ kind: string }>) {
    return next.handle().pipe(tap(({ kind }) => void seen.push(kind)))
  }
}

class RoundingPipe {
  transform(command: Steep, { metatype }: ArgumentMetadata) {
    return new (metatype as typeof Steep)({ potId: command.potId, ml: Math.ceil(command.ml / 10) * 10 })
  }
}

@Catch(ForbiddenException)
class TooMuchFilter implements ExceptionFilter {
  catch(): never {
    throw new RangeError('too much tea')
  }
}

@Injectable()
class NeverGuard {
  canActivate(context: ExecutionContext): boolean {
    return context.getType() === 'http'
  }
}

@UseInterceptors(OutcomeInterceptor)
@Aggregate({ name: 'pot', topic: 'tea.pot' })
class Pot {
  ml = 0

  @UseGuards(AmountGuard)
  @UsePipes(RoundingPipe)
  @UseFilters(TooMuchFilter)
  @SetMetadata('note', 'careful')
  @Handles(Steep)
  steep({ ml }: Steep) {
    return Filled({ ml })
  }

  @Handles(Plain)
  plain({ ml }: Plain) {
    return Filled({ ml })
  }

  @Applies(Filled)
  filled({ ml }: Filled) {
    this.ml += ml
  }
}

describe('what stands around commands', () => {
  let tea: TestApp
  const calls: CommandCall[] = []
  beforeAll(async () => {
    @Module({ providers: [Rules], exports: [Rules] })
    class RulesModule {}
    @Module({
      imports: [
        KeyfoldModule.forRoot({
          commandMiddleware: [
            classValidatorMiddleware(),
            (call, next) => {
              calls.push(call)
              return next(call)
            },
          ],
        }),
        KeyfoldModule.forFeature({ aggregates: [Pot], imports: [RulesModule] }),
      ],
      providers: [{ provide: APP_GUARD, useClass: NeverGuard }],
    })
    class PotModule {}
    tea = await startTestApp(PotModule)
  })
  afterAll(async () => {
    await tea.close()
  })

  it('guards, pipes and interceptors of the method and of the class, with what they inject', async () => {
    seen.length = 0
    const receipt = await tea.execute(new Steep({ potId: 'a', ml: 41 }), { commandId: 'one' })
    expect(receipt.events).toEqual([Filled({ ml: 50 })])
    expect(seen).toEqual(['command Pot careful one', 'committed'])
  })

  it('a filter sees what a guard refuses', async () => {
    await expect(tea.execute(new Steep({ potId: 'a', ml: 1_000 }))).rejects.toThrow('too much tea')
    expect(await tea.execute(new Steep({ potId: 'a', ml: 10 }))).toMatchObject({ version: 2 })
  })

  it('the class stands around its other commands, and global guards around none', async () => {
    seen.length = 0
    expect(await tea.execute(new Plain({ potId: 'b', ml: 5_000 }))).toMatchObject({ version: 1 })
    expect(seen).toEqual(['committed'])
  })

  it('class-validator, where members have its decorators', async () => {
    const before = calls.length
    await expect(tea.execute(new Steep({ potId: 'a', ml: 5_000.5 }))).rejects.toMatchObject({
      code: 'COMMAND_INVALID',
      details: { issues: expect.arrayContaining([{ path: 'ml', message: 'ml must be an integer number' }]) },
    })
    expect(calls).toHaveLength(before)
  })

  it('middleware that answers by itself, and one that answers nothing', async () => {
    const bus = tea.get(CommandBus)
    bus.use(async ({ command, options }, next) => {
      if (!(command instanceof Plain)) return await next({ command, options })
      const error = new TypeError('not today') as never
      return command.ml === 1 ? { kind: 'failed', error, commandId: 'x' } : (undefined as never)
    })
    expect(await tea.tryExecute(new Plain({ potId: 'b', ml: 1 }))).toMatchObject({ kind: 'failed', commandId: 'x' })
    await expect(tea.tryExecute(new Plain({ potId: 'b', ml: 2 }))).rejects.toThrow('must return the outcome')
  })
})
