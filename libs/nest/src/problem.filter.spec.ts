import { KeyfoldError, reject } from '@keyfold/eventsourcing'
import { BadRequestException, NotFoundException } from '@nestjs/common'
import { describe, expect, it } from 'vitest'
import { CommandRejected } from './command-bus.ts'
import { problemOf } from './problem.filter.ts'

describe('problem documents', () => {
  it('speak in the words of the domain', () => {
    const rejected = new CommandRejected(reject('CUP_FULL', 'no more fits in', { ml: 250 }), 'id')
    expect(problemOf(rejected)).toEqual({
      type: 'urn:keyfold:problem:CUP_FULL',
      title: 'cup full',
      status: 422,
      code: 'CUP_FULL',
      detail: 'no more fits in',
      details: { ml: 250 },
    })
    expect(problemOf(rejected, { CUP_FULL: 409 }).status).toBe(409)
  })

  it.each([
    ['COMMAND_INVALID', false, 400],
    ['EXPECTED_VERSION_CONFLICT', false, 409],
    ['OUTCOME_UNKNOWN', true, 504],
    ['SOMETHING_TEMPORARY', true, 503],
    ['SOMETHING_ELSE', false, 500],
  ])('give %s (retriable: %s) the status %i, with the fix', (code, retriable, status) => {
    const error = new KeyfoldError(code, { retriable, fix: 'do this' }, 'that happened')
    expect(problemOf(error)).toMatchObject({ status, code, detail: 'that happened', fix: 'do this', retriable })
  })

  it("take over Nest's own errors", () => {
    expect(problemOf(new NotFoundException('no cup'))).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
      detail: 'no cup',
    })
    expect(problemOf(new BadRequestException(['a', 'b']))).toMatchObject({ status: 400, detail: 'a; b' })
  })

  it('say nothing about the inside of anything else', () => {
    const problem = problemOf(new TypeError('secret'))
    expect(problem).toMatchObject({ status: 500, code: 'INTERNAL_ERROR' })
    expect(JSON.stringify(problem)).not.toContain('secret')
  })
})
