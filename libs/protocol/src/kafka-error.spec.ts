import { describe, expect, it } from 'vitest'
import { KafkaError, kafkaErrorByCode } from './kafka-error.ts'

const entries = Object.entries(KafkaError)

describe('the error table', () => {
  it('holds every code from -1 on, without a gap, under its own name', () => {
    expect(entries.map(([, { code }]) => code)).toEqual(Array.from({ length: entries.length }, (_, index) => index - 1))
    for (const [name, error] of entries) expect(error.name).toBe(name)
    expect(KafkaError.TRANSACTION_ABORTABLE.code).toBe(120)
  })

  it('has a text for everybody, a different one each', () => {
    const texts = entries.map(([, { text }]) => text)
    expect(new Set(texts).size).toBe(texts.length)
    for (const text of texts) expect(text).toMatch(/^[a-zA-Z]\S*.*[^.]$/)
  })

  it('finds an error by its code', () => {
    expect(kafkaErrorByCode(6)).toBe(KafkaError.NOT_LEADER_OR_FOLLOWER)
    expect(kafkaErrorByCode(6)).toMatchObject({ retriable: true })
    expect(kafkaErrorByCode(22)).toMatchObject({ name: 'ILLEGAL_GENERATION', retriable: false })
  })

  it('reads an unknown code as UNKNOWN_SERVER_ERROR', () => {
    expect(kafkaErrorByCode(9999)).toBe(KafkaError.UNKNOWN_SERVER_ERROR)
  })
})
