import { createRequire } from 'node:module'
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import {
  compressionCodecs,
  type Compressor,
  type Compressors,
  lz4FrameLength,
  type RawSnappy,
  snappyCompressor,
  UnsupportedCompression,
} from '@keyfold/protocol'

/** Loads a package by its name; throws if it is not installed. */
export type LoadPackage = (name: string) => unknown

interface SnappyPackage {
  compressSync(bytes: Buffer): Buffer
  uncompressSync(bytes: Buffer): Buffer
}

interface Lz4Package {
  compressFrameSync(bytes: Buffer): Buffer
  decompressFrameSync(bytes: Buffer): Buffer
}

/**
 * Every compression that Kafka knows. gzip and zstd are Node's own; snappy and lz4 are optional packages, loaded at
 * their first use: without them such batches are still stored and served, just not looked into.
 */
export function platformCompressors(load: LoadPackage = createRequire(import.meta.url)): Compressors {
  return {
    gzip: {
      compress: (bytes, level) => gzipSync(bytes, level === undefined ? {} : { level }),
      decompress: (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength }),
    },
    snappy: lazily(() => snappyCompressor(rawSnappy(need<SnappyPackage>(load, 'snappy', compressionCodecs.snappy)))),
    lz4: lazily(() => lz4Compressor(need<Lz4Package>(load, 'lz4-napi', compressionCodecs.lz4))),
    zstd: {
      compress: (bytes, level) =>
        zstdCompressSync(bytes, level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } }),
      decompress: (bytes, maxOutputLength) => zstdDecompressSync(bytes, { maxOutputLength }),
    },
  }
}

function rawSnappy(library: SnappyPackage): RawSnappy {
  return { compress: (bytes) => library.compressSync(bytes), decompress: (bytes) => library.uncompressSync(bytes) }
}

/** The library has one level only. */
function lz4Compressor(library: Lz4Package): Compressor {
  return {
    compress: (bytes) => library.compressFrameSync(bytes),
    decompress: (bytes, bytesMax) => {
      const length = lz4FrameLength(bytes, bytesMax)
      return length === 0 ? Buffer.alloc(0) : library.decompressFrameSync(bytes)
    },
  }
}

function lazily(make: () => Compressor): Compressor {
  let made: Compressor | undefined
  return {
    compress: (bytes, level) => (made ??= make()).compress(bytes, level),
    decompress: (bytes, bytesMax) => (made ??= make()).decompress(bytes, bytesMax),
  }
}

function need<T>(load: LoadPackage, name: string, codec: number): T {
  try {
    return load(name) as T
  } catch {
    throw new UnsupportedCompression(codec, `the package ${name} is not installed: run "npm install ${name}"`)
  }
}
