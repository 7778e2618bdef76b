import type { Projections } from '@keyfold/projections'
import {
  BadRequestException,
  Body,
  Controller,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  UseFilters,
  UseGuards,
} from '@nestjs/common'
import { KeyfoldRuntime } from '../keyfold-runtime.ts'
import { KeyfoldProblemFilter } from '../problem.filter.ts'
import { debugReport } from './debug-report.ts'
import { jobStream } from './job-stream.ts'
import { OperationsGuard } from './operations.guard.ts'
import { projectionReport } from './projection-report.ts'

type Fields = Readonly<Record<string, unknown>> | undefined

/** Projections over HTTP: what `keyfold projections` and `keyfold parked` speak to. Errors are problem documents. */
@Controller('keyfold/projections')
@UseGuards(OperationsGuard)
@UseFilters(KeyfoldProblemFilter)
export class ProjectionsController {
  readonly #runtime: KeyfoldRuntime

  constructor(@Inject(KeyfoldRuntime) runtime: KeyfoldRuntime) {
    this.#runtime = runtime
  }

  @Get()
  list() {
    const { kafka, projections } = this.#runtime
    return Promise.all(projections.status().map((status) => projectionReport(kafka, status, Date.now())))
  }

  @Post(':name/rebuild')
  @HttpCode(200)
  rebuild(@Param('name') name: string, @Body() fields: Fields) {
    const options = {
      eventsPerSecondMax: numberOf(fields, 'eventsPerSecondMax'),
      switch: choiceOf(fields, 'switch', ['auto', 'manual'] as const),
    }
    return jobStream((onProgress) => this.#projections.rebuild(name, { ...options, onProgress }))
  }

  @Post(':name/roll-back')
  @HttpCode(200)
  rollBack(@Param('name') name: string) {
    return jobStream((onProgress) => this.#projections.rollBack(name, { onProgress }))
  }

  @Post(':name/start')
  @HttpCode(200)
  start(@Param('name') name: string) {
    return jobStream(async (onProgress) => {
      const status = await this.#projections.startProjector(name, { onProgress })
      return await projectionReport(this.#runtime.kafka, status, Date.now())
    })
  }

  @Post(':name/pause')
  @HttpCode(200)
  async pause(@Param('name') name: string) {
    await this.#projections.pause(name)
    return await this.#report(name)
  }

  @Post(':name/resume')
  @HttpCode(200)
  async resume(@Param('name') name: string) {
    await this.#projections.resume(name)
    return await this.#report(name)
  }

  @Post(':name/swap')
  @HttpCode(200)
  async swap(@Param('name') name: string) {
    await this.#projections.swap(name)
    return await this.#report(name)
  }

  @Post(':name/cancel')
  @HttpCode(200)
  async cancel(@Param('name') name: string) {
    await this.#projections.cancelRebuild(name)
    return await this.#report(name)
  }

  @Post(':name/drop-old')
  @HttpCode(200)
  async dropOld(@Param('name') name: string) {
    return { dropped: await this.#projections.dropOld(name) }
  }

  @Post(':name/debug')
  @HttpCode(200)
  async debug(@Param('name') name: string, @Body() fields: Fields) {
    const report = await this.#projections.debug(name, {
      topic: textOf(fields, 'topic'),
      partition: integerOf(fields, 'partition'),
      key: textOf(fields, 'key'),
      from: integerOf(fields, 'from'),
      to: integerOf(fields, 'to'),
      eventsMax: integerOf(fields, 'eventsMax'),
      warmUp: truthOf(fields, 'warmUp'),
    })
    return debugReport(report)
  }

  @Get(':name/parked')
  async parked(@Param('name') name: string) {
    return await this.#projections.parked(name)
  }

  @Post(':name/parked/retry')
  @HttpCode(200)
  async retry(@Param('name') name: string, @Body() fields: Fields) {
    const key = textOf(fields, 'key')
    return await this.#projections.retryParked(name, key === undefined ? {} : { key })
  }

  @Post(':name/parked/drop')
  @HttpCode(200)
  async drop(@Param('name') name: string, @Body() fields: Fields) {
    const key = textOf(fields, 'key')
    const place = placeOf(fields)
    const reason = textOf(fields, 'reason') ?? ''
    if (reason.trim() === '') throw new BadRequestException('reason: say why these events are given up')
    if (key === undefined && place === undefined && fields?.['all'] !== true)
      throw new BadRequestException('name a key, a place { topic, partition, offset }, or { "all": true }')
    const selection = { ...(key !== undefined && { key }), ...(place !== undefined && { place }) }
    return { dropped: await this.#projections.dropParked(name, selection, reason) }
  }

  get #projections(): Projections {
    return this.#runtime.projections
  }

  async #report(name: string) {
    const status = this.#projections.status().find(({ projector }) => projector === name)
    return status === undefined ? undefined : await projectionReport(this.#runtime.kafka, status, Date.now())
  }
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields?.[name]
  if (value === undefined || typeof value === 'string') return value
  throw new BadRequestException(`${name} must be a text`)
}

function numberOf(fields: Fields, name: string): number | undefined {
  const value = fields?.[name]
  if (value === undefined || (typeof value === 'number' && value > 0)) return value
  throw new BadRequestException(`${name} must be a number above 0`)
}

function integerOf(fields: Fields, name: string): number | undefined {
  const value = fields?.[name]
  if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value))) return value
  throw new BadRequestException(`${name} must be a whole number`)
}

function truthOf(fields: Fields, name: string): boolean | undefined {
  const value = fields?.[name]
  if (value === undefined || typeof value === 'boolean') return value
  throw new BadRequestException(`${name} must be true or false`)
}

function choiceOf<Choice extends string>(fields: Fields, name: string, choices: readonly Choice[]): Choice | undefined {
  const value = textOf(fields, name)
  const choice = choices.find((each) => each === value)
  if (value === undefined || choice !== undefined) return choice
  throw new BadRequestException(`${name} must be one of ${choices.join(', ')}`)
}

function placeOf(fields: Fields) {
  const place = fields?.['place'] as { topic?: unknown; partition?: unknown; offset?: unknown } | undefined
  if (place === undefined) return undefined
  const { topic, partition, offset } = place
  if (typeof topic === 'string' && Number.isSafeInteger(partition) && Number.isSafeInteger(offset))
    return { topic, partition: Number(partition), offset: Number(offset) }
  throw new BadRequestException('place must be { topic, partition, offset }')
}
