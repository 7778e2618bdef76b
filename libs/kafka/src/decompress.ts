import { createRequire } from 'node:module'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compressionName, lz4FrameLength, type RawSnappy, snappyCompressor } from '@keyfold/protocol'
import { KafkaClientError } from './errors.ts'

/** What one batch may grow to. A fetch brings a few MiB; more than this is no batch but a bomb. */
export const DECOMPRESSED_BYTES_MAX = 128 * 1024 * 1024

/** Loads a package by its name; throws if it is not installed. */
export type LoadPackage = (name: string) => unknown

type Decompress = (bytes: Buffer, bytesMax: number) => Buffer

/**
 * Decompresses the records of a batch. gzip and zstd are Node's own; snappy and lz4 are optional packages, loaded at
 * their first use. Errors: `COMPRESSION_UNSUPPORTED`, `RECORDS_CORRUPT`.
 */
export function decompressor(load: LoadPackage = createRequire(import.meta.url)) {
  const made = new Map<number, Decompress>()
  return (codec: number, bytes: Buffer, bytesMax = DECOMPRESSED_BYTES_MAX): Buffer => {
    if (codec === 0) return bytes
    let decompress = made.get(codec)
    if (decompress === undefined) made.set(codec, (decompress = decompressorFor(codec, load)))
    try {
      return decompress(bytes, bytesMax)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new KafkaClientError('RECORDS_CORRUPT', `records that do not decompress: ${reason}`, { cause })
    }
  }
}

function decompressorFor(codec: number, load: LoadPackage): Decompress {
  const name = compressionName(codec)
  if (name === 'gzip') return (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength })
  // Node has it from 22.15 on.
  if (name === 'zstd' && typeof zstdDecompressSync === 'function')
    return (bytes, maxOutputLength) => zstdDecompressSync(bytes, { maxOutputLength })
  if (name === 'snappy') return snappy(need(load, 'snappy'))
  if (name === 'lz4') return lz4(need(load, 'lz4-napi'))
  throw new KafkaClientError('COMPRESSION_UNSUPPORTED', `records are compressed with ${name ?? `codec ${codec}`}`)
}

function snappy(library: { compressSync(bytes: Buffer): Buffer; uncompressSync(bytes: Buffer): Buffer }): Decompress {
  const raw: RawSnappy = {
    compress: (bytes) => library.compressSync(bytes),
    decompress: (bytes) => library.uncompressSync(bytes),
  }
  return (bytes, bytesMax) => snappyCompressor(raw).decompress(bytes, bytesMax)
}

function lz4(library: { decompressFrameSync(bytes: Buffer): Buffer }): Decompress {
  return (bytes, bytesMax) =>
    lz4FrameLength(bytes, bytesMax) === 0 ? Buffer.alloc(0) : library.decompressFrameSync(bytes)
}

function need<Package>(load: LoadPackage, name: string): Package {
  try {
    return load(name) as Package
  } catch (cause) {
    throw new KafkaClientError('COMPRESSION_UNSUPPORTED', `the package ${name} is not installed: npm install ${name}`, {
      cause,
    })
  }
}
