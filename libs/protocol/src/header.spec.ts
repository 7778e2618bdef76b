import { BufferWriter } from '@keyfold/bytes'
import { describe, expect, it } from 'vitest'
import { ApiVersions } from './apis/18-api-versions.ts'
import { Heartbeat } from './apis/12-heartbeat.ts'
import { OffsetDelete } from './apis/47-offset-delete.ts'
import { SaslHandshake } from './apis/17-sasl-handshake.ts'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestHeader,
  requestHeaderVersion,
  responseHeaderVersion,
} from './header.ts'

describe('header versions', () => {
  it('are 2 and 1 for flexible versions, 1 and 0 for the others', () => {
    expect([requestHeaderVersion(Heartbeat, 3), responseHeaderVersion(Heartbeat, 3)]).toEqual([1, 0])
    expect([requestHeaderVersion(Heartbeat, 4), responseHeaderVersion(Heartbeat, 4)]).toEqual([2, 1])
  })

  it('ApiVersions is always answered with header 0 (KIP-511)', () => {
    expect([requestHeaderVersion(ApiVersions, 3), responseHeaderVersion(ApiVersions, 3)]).toEqual([2, 0])
  })

  it('SaslHandshake and OffsetDelete are never flexible', () => {
    for (const api of [SaslHandshake, OffsetDelete]) {
      expect([requestHeaderVersion(api, api.versions[1]), responseHeaderVersion(api, api.versions[1])]).toEqual([1, 0])
    }
  })
})

describe('a request header', () => {
  it('keeps the client id non-compact in version 2, with tagged fields behind it', () => {
    const writer = new BufferWriter()
    encodeRequestHeader(writer, 2, { apiKey: 12, apiVersion: 4, correlationId: 7, clientId: 'me' })
    expect(writer.toBuffer().toString('hex')).toBe(hex('000c 0004 00000007 00026d65 00'))
  })

  it('version 0 ends with the correlation id', () => {
    const writer = new BufferWriter()
    encodeRequestHeader(writer, 0, { apiKey: 7, apiVersion: 0, correlationId: 7, clientId: 'me' })
    expect(writer.toBuffer().toString('hex')).toBe(hex('0007 0000 00000007'))
  })

  it('says where the body starts, behind tagged fields that nobody knows', () => {
    const bytes = Buffer.from(hex('000c 0004 00000007 ffff 01 0902aabb 00000000'), 'hex')
    expect(decodeRequestHeader(bytes)).toEqual({
      apiKey: 12,
      apiVersion: 4,
      correlationId: 7,
      clientId: null,
      api: Heartbeat,
      bodyOffset: 15,
    })
  })

  it('of an unknown API ends with the correlation id', () => {
    const header = decodeRequestHeader(Buffer.from(hex('03e7 0000 00000001'), 'hex'))
    expect(header).toMatchObject({ apiKey: 999, api: undefined, clientId: null, bodyOffset: 8 })
  })

  it('of an unknown version is still read, because ApiVersions has to answer it', () => {
    const header = decodeRequestHeader(Buffer.from(hex('0012 0063 00000001 ffff 00 0102'), 'hex'))
    expect(header).toMatchObject({ api: ApiVersions, apiVersion: 99, bodyOffset: 11 })
  })

  it('with a flood of tagged fields is refused before anything is read of them', () => {
    const flood = Buffer.concat([Buffer.from(hex('000c 0004 00000007 ffff ffff03'), 'hex'), Buffer.alloc(200_000)])
    expect(() => decodeRequestHeader(flood)).toThrow(/TOO_MANY_TAGGED_FIELDS/)
  })

  it('that is cut off is an underflow', () => {
    expect(() => decodeRequestHeader(Buffer.from('000c000400', 'hex'))).toThrow(/BUFFER_UNDERFLOW/)
  })
})

describe('a response header', () => {
  it('has tagged fields from version 1 on', () => {
    const bytes = Buffer.from(hex('00000007 00 00'), 'hex')
    expect(decodeResponseHeader(Heartbeat, 4, bytes)).toEqual({ correlationId: 7, bodyOffset: 5 })
    expect(decodeResponseHeader(Heartbeat, 3, bytes)).toEqual({ correlationId: 7, bodyOffset: 4 })
  })
})

/** Hex digits that are grouped by field for the reader. */
function hex(grouped: string): string {
  return grouped.replaceAll(' ', '')
}
