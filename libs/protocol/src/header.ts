import { BufferReader, type BufferWriter } from '@keyfold/bytes'
import { type AnyApi, isFlexible } from './api.ts'
import { apiByKey } from './apis.ts'
import { skipTaggedFields } from './wire-values.ts'

/** What stands before a request's body. */
export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  /** The client's own name; null when it gave none. */
  readonly clientId: string | null
  /** The table for `apiKey`; undefined for a key without one: the connection cannot go on. */
  readonly api: AnyApi | undefined
  /** Where the body starts, counted from the start of the bytes that were decoded. */
  readonly bodyOffset: number
}

export type RequestHeaderVersion = 0 | 1 | 2
export type ResponseHeaderVersion = 0 | 1

const apiVersionsKey = 18

/** Flexible versions have header 2, all others 1; header 0 died with ControlledShutdown version 0. */
export function requestHeaderVersion(api: AnyApi, version: number): RequestHeaderVersion {
  return isFlexible(api, version) ? 2 : 1
}

/** Flexible versions have header 1, except ApiVersions: its client cannot know yet what the broker speaks (KIP-511). */
export function responseHeaderVersion(api: AnyApi, version: number): ResponseHeaderVersion {
  return isFlexible(api, version) && api.key !== apiVersionsKey ? 1 : 0
}

/**
 * Reads a request's header from a frame without its size prefix.
 * For an unknown key nothing behind the correlation id is read. The version is not checked against the table, because
 * ApiVersions answers an unknown one. Throws MalformedBytes.
 */
export function decodeRequestHeader(bytes: Buffer): RequestHeader {
  const reader = new BufferReader(bytes)
  const apiKey = reader.readInt16()
  const apiVersion = reader.readInt16()
  const correlationId = reader.readInt32()
  const api = apiByKey(apiKey)
  const clientId = api === undefined ? null : reader.readNullableString()
  if (api !== undefined && requestHeaderVersion(api, apiVersion) === 2) skipTaggedFields(reader)
  return { apiKey, apiVersion, correlationId, clientId, api, bodyOffset: reader.position }
}

/** Writes a request header. The client id is never compact, not even in version 2. */
export function encodeRequestHeader(
  writer: BufferWriter,
  headerVersion: RequestHeaderVersion,
  header: Pick<RequestHeader, 'apiKey' | 'apiVersion' | 'correlationId' | 'clientId'>,
): void {
  writer.writeInt16(header.apiKey)
  writer.writeInt16(header.apiVersion)
  writer.writeInt32(header.correlationId)
  if (headerVersion >= 1) writer.writeNullableString(header.clientId)
  if (headerVersion >= 2) writer.writeUnsignedVarint(0)
}

/** Reads a response's header from a frame without its size prefix. Throws MalformedBytes. */
export function decodeResponseHeader(
  api: AnyApi,
  version: number,
  bytes: Buffer,
): { readonly correlationId: number; readonly bodyOffset: number } {
  const reader = new BufferReader(bytes)
  const correlationId = reader.readInt32()
  if (responseHeaderVersion(api, version) === 1) skipTaggedFields(reader)
  return { correlationId, bodyOffset: reader.position }
}

export function encodeResponseHeader(
  writer: BufferWriter,
  headerVersion: ResponseHeaderVersion,
  correlationId: number,
): void {
  writer.writeInt32(correlationId)
  if (headerVersion >= 1) writer.writeUnsignedVarint(0)
}
