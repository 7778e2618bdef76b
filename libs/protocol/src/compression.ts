import { KafkaError } from './kafka-error.ts'

/** The compression of a record batch: bits 0 to 2 of its attributes. */
export const compressionCodecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

export type CompressionName = keyof typeof compressionCodecs

/** One compression algorithm; it comes from outside, because this package loads nothing from the platform. */
export interface Compressor {
  /** `level`: how hard to try, in the algorithm's own numbers; without it, its default. */
  compress(bytes: Buffer, level?: number): Buffer
  /** Decompresses; has to throw rather than return more than `bytesMax` bytes. */
  decompress(bytes: Buffer, bytesMax: number): Buffer
}

/** The algorithms at hand; those that are missing lead to UnsupportedCompression. */
export type Compressors = { readonly [name in Exclude<CompressionName, 'none'>]?: Compressor }

/** A batch uses a compression for which no compressor was given, or an id that Kafka does not define. */
export class UnsupportedCompression extends Error {
  readonly code = 'UNSUPPORTED_COMPRESSION'
  /** The error that a broker answers with. */
  readonly kafkaError: KafkaError = KafkaError.UNSUPPORTED_COMPRESSION_TYPE

  constructor(codec: number, text?: string) {
    super(text ?? `no compressor for ${compressionName(codec) ?? 'the unknown compression'} (id ${codec}); pass one in`)
    this.name = 'UnsupportedCompression'
  }
}

/** The name of a compression id; undefined for an id that Kafka does not define. */
export function compressionName(codec: number): CompressionName | undefined {
  return names[codec]
}

/** The compressor for an id, undefined for "none". Throws UnsupportedCompression. */
export function compressorFor(codec: number, compressors: Compressors): Compressor | undefined {
  const name = compressionName(codec)
  if (name === 'none') return undefined
  const compressor = name === undefined ? undefined : compressors[name]
  if (compressor === undefined) throw new UnsupportedCompression(codec)
  return compressor
}

const names: readonly (CompressionName | undefined)[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
