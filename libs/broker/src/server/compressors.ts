import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Compressors } from '@keyfold/protocol'

/** The compressions that Node brings along. The others are stored and served all the same, just not looked into. */
export const nodeCompressors: Compressors = {
  gzip: {
    compress: (bytes) => gzipSync(bytes),
    decompress: (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength }),
  },
  zstd: {
    compress: (bytes) => zstdCompressSync(bytes),
    decompress: (bytes, maxOutputLength) => zstdDecompressSync(bytes, { maxOutputLength }),
  },
}
