import { open } from 'node:fs/promises'
import { HASH_BYTES } from '../crypto/hash.js'
import { RECORD_BYTES, decodeNode } from '../merkle/node.js'
import { storedPosition } from '../merkle/shape.js'

/** Leaves that are read together: those of 16 MiB in chunks of 64 KiB. */
const PAGE_LEAVES = 256
/** Pages that are kept: 8 KiB each. */
const PAGES_MAX = 64

/** The leaves of stored segments, read from their node files some at a time: what a chunk is checked against each time that it is read. */
export class SegmentLeaves {
  readonly #fileOf: (segmentId: Uint8Array) => string
  /** By segment and number, the one that was used last at the end. */
  readonly #pages = new Map<string, Promise<Uint8Array | null>>()

  /** @param fileOf where the node file of a segment is */
  constructor(fileOf: (segmentId: Uint8Array) => string) {
    this.#fileOf = fileOf
  }

  /** The hash of leaf `index` of a segment; null where its tree was not kept or cannot be read. */
  async hash(segmentId: Uint8Array, index: number): Promise<Uint8Array | null> {
    const path = this.#fileOf(segmentId)
    const number = Math.floor(index / PAGE_LEAVES)
    const id = `${path} ${number}`
    let page = this.#pages.get(id)
    if (page) this.#pages.delete(id)
    else page = readPage(path, number * PAGE_LEAVES)
    this.#pages.set(id, page)
    if (this.#pages.size > PAGES_MAX) {
      const [oldest] = this.#pages.keys()
      this.#pages.delete(oldest!)
    }
    const hashes = await page
    if (hashes === null) {
      // It may be there the next time.
      this.#pages.delete(id)
      return null
    }
    const at = (index % PAGE_LEAVES) * HASH_BYTES
    return at + HASH_BYTES <= hashes.byteLength ? hashes.subarray(at, at + HASH_BYTES) : null
  }
}

/** The hashes of the leaves from `first` on; null where there is nothing to read. */
async function readPage(path: string, first: number): Promise<Uint8Array | null> {
  try {
    const file = await open(path)
    try {
      const start = storedPosition(0, first)
      const records = Buffer.alloc((storedPosition(0, first + PAGE_LEAVES) - start) * RECORD_BYTES)
      const { bytesRead } = await file.read(records, 0, records.byteLength, start * RECORD_BYTES)
      const hashes = Buffer.alloc(PAGE_LEAVES * HASH_BYTES)
      let leaves = 0
      for (; leaves < PAGE_LEAVES; leaves++) {
        const at = (storedPosition(0, first + leaves) - start) * RECORD_BYTES
        if (at + RECORD_BYTES > bytesRead) break
        hashes.set(decodeNode(records.subarray(at, at + RECORD_BYTES)).hash, leaves * HASH_BYTES)
      }
      return hashes.subarray(0, leaves * HASH_BYTES)
    } finally {
      await file.close()
    }
  } catch {
    return null
  }
}
