import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hash, uniform } from '../../src/crypto/hash.js'

export const SAMPLE_BYTES = 32

/** Where a sample of plain text was found. */
export interface Leak {
  file: string
  offset: number
  sample: Buffer
}

/** `count` samples of SAMPLE_BYTES at places of `plain` that depend on `seed` only. */
export function samplesOf(plain: Uint8Array, count: number, seed = 'samples'): Buffer[] {
  const places = BigInt(plain.byteLength - SAMPLE_BYTES + 1)
  if (places < 1n) throw new RangeError(`samples need at least ${SAMPLE_BYTES} bytes`)
  return Array.from({ length: count }, (_, i) => {
    const at = Number(uniform(hash('test/sample', seed, i), places))
    return Buffer.from(plain.subarray(at, at + SAMPLE_BYTES))
  })
}

/** Every file below `dir` that holds one of the samples, wherever in the file it lies. */
export async function findSamples(dir: string, samples: readonly Buffer[]): Promise<Leak[]> {
  const leaks: Leak[] = []
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    let before = Buffer.alloc(0)
    let offset = 0
    for await (const piece of createReadStream(file, { highWaterMark: 4 << 20 }) as AsyncIterable<Buffer>) {
      // A sample may lie across two pieces.
      const bytes = Buffer.concat([before, piece])
      for (const sample of samples) {
        const at = bytes.indexOf(sample)
        if (at !== -1) leaks.push({ file, offset: offset + at, sample })
      }
      before = Buffer.from(bytes.subarray(Math.max(0, bytes.byteLength - SAMPLE_BYTES + 1)))
      offset += bytes.byteLength - before.byteLength
    }
  }
  return leaks
}
