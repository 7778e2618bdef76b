import { describe, expect, it } from 'vitest'
import { ApiVersions } from './apis/18-api-versions.ts'
import { Fetch } from './apis/01-fetch.ts'
import { Heartbeat } from './apis/12-heartbeat.ts'
import { decodeRequest, decodeResponse } from './codec.ts'
import { decodeApiVersionsResponse, requestFrame, responseFrame, unsupportedApiVersionsFrame } from './frame.ts'
import { decodeRequestHeader, decodeResponseHeader } from './header.ts'

const heartbeat = { groupId: 'g', generationId: 3, memberId: 'm' }

describe('a frame', () => {
  it('starts with the size of what follows', () => {
    const frame = Buffer.concat(requestFrame(Heartbeat, 4, { correlationId: 7, clientId: 'me' }, heartbeat))
    expect(frame.readInt32BE(0)).toBe(frame.length - 4)
    const bytes = frame.subarray(4)
    const { bodyOffset, ...header } = decodeRequestHeader(bytes)
    expect(header).toEqual({ apiKey: 12, apiVersion: 4, correlationId: 7, clientId: 'me', api: Heartbeat })
    expect(decodeRequest(Heartbeat, 4, bytes.subarray(bodyOffset))).toEqual({ ...heartbeat, groupInstanceId: null })
  })

  it('of a fetch response refers to large batches instead of copying them', () => {
    const batches = [Buffer.alloc(10_000, 1), Buffer.alloc(20_000, 2)]
    const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 5, abortedTransactions: null, records: batches }
    const chunks = responseFrame(Fetch, 12, 9, { responses: [{ topic: 't', partitions: [partition] }] })
    expect(chunks).toContain(batches[0])
    expect(chunks).toContain(batches[1])
    const frame = Buffer.concat(chunks)
    expect(frame.readInt32BE(0)).toBe(frame.length - 4)
    const bytes = frame.subarray(4)
    const { correlationId, bodyOffset } = decodeResponseHeader(Fetch, 12, bytes)
    expect(correlationId).toBe(9)
    const { responses } = decodeResponse(Fetch, 12, bytes.subarray(bodyOffset))
    expect(responses[0]?.partitions[0]?.records).toEqual(Buffer.concat(batches))
  })

  it('is not touched by the next one', () => {
    const first = responseFrame(Heartbeat, 0, 1, { errorCode: 0 })
    responseFrame(Heartbeat, 0, 2, { errorCode: 25 })
    expect(Buffer.concat(first).toString('hex')).toBe(hex('00000006 00000001 0000'))
  })

  it('after one that could not be written is whole', () => {
    expect(() => responseFrame(Heartbeat, 0, 1, { errorCode: 99_999 })).toThrow(/int16/)
    expect(Buffer.concat(responseFrame(Heartbeat, 0, 1, { errorCode: 0 })).toString('hex')).toBe('00000006000000010000')
  })
})

describe('ApiVersions', () => {
  const apiKeys = [{ apiKey: 18, minVersion: 0, maxVersion: 4 }]

  it('an unknown version is answered in the layout of version 0 (KIP-511)', () => {
    const frame = Buffer.concat(unsupportedApiVersionsFrame(5, apiKeys))
    expect(frame.toString('hex')).toBe(hex('00000010 00000005 0023 00000001 0012 0000 0004'))
    expect(decodeApiVersionsResponse(3, frame.subarray(8))).toMatchObject({ errorCode: 35, apiKeys })
  })

  it('any other answer is read in the version that was asked', () => {
    const body = Buffer.concat(responseFrame(ApiVersions, 3, 5, { errorCode: 0, apiKeys })).subarray(8)
    expect(decodeApiVersionsResponse(3, body)).toMatchObject({ errorCode: 0, apiKeys, finalizedFeaturesEpoch: -1 })
  })
})

/** Hex digits that are grouped by field for the reader. */
function hex(grouped: string): string {
  return grouped.replaceAll(' ', '')
}
