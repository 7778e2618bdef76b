import { BufferReader, BufferWriter } from '@keyfold/bytes'
import {
  type AnyApi,
  isFlexible,
  type RequestInput,
  type RequestOf,
  type ResponseInput,
  type ResponseOf,
  supportsVersion,
} from './api.ts'
import { compileCodec } from './compiled-codec.ts'
import { interpretCodec, type StructCodec } from './interpreted-codec.ts'
import { planStruct } from './struct-plan.ts'
import { UnsupportedVersion } from './versions.ts'

/** The four functions of one API in one version, on a reader and a writer; headers and sizes are not part of it. */
export interface ApiCodec<A extends AnyApi = AnyApi> {
  decodeRequest(reader: BufferReader): RequestOf<A>
  encodeRequest(writer: BufferWriter, request: RequestInput<A>): void
  decodeResponse(reader: BufferReader): ResponseOf<A>
  encodeResponse(writer: BufferWriter, response: ResponseInput<A>): void
}

/** Compiled is the default where code generation from strings is allowed; both read and write the same bytes. */
export type CodecMode = 'compiled' | 'interpreted'

/** The codec for one version of an API, made at first use. Throws UnsupportedVersion outside the table's range. */
export function codecOf<A extends AnyApi>(api: A, version: number, mode: CodecMode = defaultMode): ApiCodec<A> {
  const perMode = codecs[mode]
  let versions = perMode.get(api)
  if (versions === undefined) {
    versions = []
    perMode.set(api, versions)
  }
  const known = versions[version]
  if (known !== undefined) return known
  const made = makeCodec(api, version, mode)
  versions[version] = made
  return made
}

/** A request's body, without header and size. Throws UnsupportedVersion and UnencodableValue. */
export function encodeRequest<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Buffer {
  const writer = new BufferWriter()
  codecOf(api, version).encodeRequest(writer, request)
  return writer.toBuffer()
}

/**
 * A request from its body. Byte fields are views of the given bytes.
 * Bytes behind the body are left alone, as Kafka does. Throws UnsupportedVersion and MalformedBytes.
 */
export function decodeRequest<A extends AnyApi>(api: A, version: number, body: Buffer | BufferReader): RequestOf<A> {
  return codecOf(api, version).decodeRequest(readerOf(body))
}

/** A response's body, without header and size. Throws UnsupportedVersion and UnencodableValue. */
export function encodeResponse<A extends AnyApi>(api: A, version: number, response: ResponseInput<A>): Buffer {
  const writer = new BufferWriter()
  codecOf(api, version).encodeResponse(writer, response)
  return writer.toBuffer()
}

/** A response from its body; like `decodeRequest`. */
export function decodeResponse<A extends AnyApi>(api: A, version: number, body: Buffer | BufferReader): ResponseOf<A> {
  return codecOf(api, version).decodeResponse(readerOf(body))
}

/** The mode that `codecOf` uses unless told otherwise. */
export const defaultMode: CodecMode = mayGenerateCode() ? 'compiled' : 'interpreted'

const codecs: Record<CodecMode, WeakMap<AnyApi, ApiCodec[]>> = { compiled: new WeakMap(), interpreted: new WeakMap() }

function makeCodec(api: AnyApi, version: number, mode: CodecMode): ApiCodec {
  if (!supportsVersion(api, version)) throw new UnsupportedVersion(api, version)
  const wire = { version, flexible: isFlexible(api, version) }
  const make = mode === 'compiled' ? compileCodec : interpretCodec
  const request = lazily(() => make(planStruct(api.request, wire, `${api.name} request`)))
  const response = lazily(() => make(planStruct(api.response, wire, `${api.name} response`)))
  return {
    decodeRequest: (reader) => request().read(reader) as RequestOf<AnyApi>,
    encodeRequest: (writer, value) => request().write(writer, value),
    decodeResponse: (reader) => response().read(reader) as ResponseOf<AnyApi>,
    encodeResponse: (writer, value) => response().write(writer, value),
  }
}

/** A broker never encodes requests and a client never responses: each half is compiled when it is wanted. */
function lazily(make: () => StructCodec): () => StructCodec {
  let made: StructCodec | undefined
  return () => (made ??= make())
}

function readerOf(body: Buffer | BufferReader): BufferReader {
  return body instanceof BufferReader ? body : new BufferReader(body)
}

/** Node started with --disallow-code-generation-from-strings (and strict CSPs elsewhere) forbid `new Function`. */
function mayGenerateCode(): boolean {
  try {
    // eslint-disable-next-line typescript/no-implied-eval -- asks whether it is allowed
    return new Function('return true')() === true
  } catch {
    return false
  }
}
