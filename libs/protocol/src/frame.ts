import { BufferReader, BufferWriter } from '@keyfold/bytes'
import type { AnyApi, RequestInput, ResponseInput, ResponseOf } from './api.ts'
import { ApiVersions } from './apis/18-api-versions.ts'
import { codecOf } from './codec.ts'
import { encodeRequestHeader, encodeResponseHeader, requestHeaderVersion, responseHeaderVersion } from './header.ts'
import { KafkaError } from './kafka-error.ts'

/** Frames are written one after another and copied out, so one writer serves them all. */
const writer = new BufferWriter(4096)

/**
 * A whole request: size, header, body. The chunks belong together in order (writev, or cork and write); large record
 * payloads among them are the caller's own buffers and must not change until they are sent.
 */
export function requestFrame<A extends AnyApi>(
  api: A,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  request: RequestInput<A>,
): Buffer[] {
  const codec = codecOf(api, version)
  return frame(() => {
    encodeRequestHeader(writer, requestHeaderVersion(api, version), { apiKey: api.key, apiVersion: version, ...header })
    codec.encodeRequest(writer, request)
  })
}

/** A whole response: size, header, body; the chunks are like those of `requestFrame`. */
export function responseFrame<A extends AnyApi>(
  api: A,
  version: number,
  correlationId: number,
  response: ResponseInput<A>,
): Buffer[] {
  const codec = codecOf(api, version)
  return frame(() => {
    encodeResponseHeader(writer, responseHeaderVersion(api, version), correlationId)
    codec.encodeResponse(writer, response)
  })
}

/**
 * The answer to an ApiVersions request of an unknown version: UNSUPPORTED_VERSION in the layout of version 0, with the
 * ranges from which the client picks its next try (KIP-511).
 */
export function unsupportedApiVersionsFrame(
  correlationId: number,
  apiKeys: ResponseInput<typeof ApiVersions>['apiKeys'],
): Buffer[] {
  return responseFrame(ApiVersions, 0, correlationId, { errorCode: KafkaError.UNSUPPORTED_VERSION.code, apiKeys })
}

/** An ApiVersions body as a client has to read it: UNSUPPORTED_VERSION always comes in the layout of version 0. */
export function decodeApiVersionsResponse(version: number, body: Buffer): ResponseOf<typeof ApiVersions> {
  const errorCode = new BufferReader(body).readInt16()
  const layout = errorCode === KafkaError.UNSUPPORTED_VERSION.code ? 0 : version
  return codecOf(ApiVersions, layout).decodeResponse(new BufferReader(body))
}

function frame(write: () => void): Buffer[] {
  writer.reset()
  const size = writer.reserveInt32()
  write()
  writer.patchInt32(size, writer.length - 4)
  return writer.toChunks()
}
