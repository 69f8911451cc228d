import { opened } from '../../lifecycle.js'
import type { PathSource } from '../../evidence/slice-evidence.js'
import { sliceHasher } from '../../evidence/slice-hasher.js'
import type {
  ChunkPlace,
  SliceChallenge,
  SliceRead,
  SliceSegment,
  SliceSource
} from '../../evidence/slice-walk.js'
import { SLICE_BYTES, VALUE_BYTES, groupOf, sliceLength, storedGroups } from '../../evidence/slices.js'
import { HEADER_BYTES } from '../../chunk/header.js'
import { StorageError } from '../../errors.js'
import { encodeProof, prove, proveBatch } from '../../merkle/proof.js'
import { locate } from '../../merkle/reader.js'
import { NodeFile } from '../../storage/node-file.js'
import type { PinnerStore } from '../../storage/pinner-store.js'

/**
 * A copy on a pinner's disk as a walk reads it: the chunk at a byte of its segments, a slice of a chunk with its siblings,
 * and paths. Opened for one challenge and closed after it. What the disk has damaged is found by who checks the evidence.
 */
export class HeldCopy implements SliceSource, PathSource {
  readonly #store: PinnerStore
  readonly #key: Uint8Array
  readonly #segments: readonly SliceSegment[]
  readonly #nodes = new Map<number, Promise<NodeFile>>()

  constructor(store: PinnerStore, key: Uint8Array, { segments }: Pick<SliceChallenge, 'segments'>) {
    this.#store = store
    this.#key = key
    this.#segments = segments
  }

  async find(ordinal: number, offset: number): Promise<ChunkPlace> {
    const { start, chunks } = this.#segment(ordinal)
    const { index, ...place } = await locate(await this.#tree(ordinal), offset, chunks)
    return { ...place, index: start + index }
  }

  /** @throws StorageError STORAGE_BLOCK_LOST */
  async read(ordinal: number, { index, bytes }: ChunkPlace, slice: number): Promise<SliceRead> {
    const { codec, id } = this.#segment(ordinal)
    const encoded = await this.#store.getEncoded(this.#key, index, id)
    if (encoded?.byteLength !== bytes) throw lost(index)
    const headerBytes = HEADER_BYTES[codec]
    const body = encoded.subarray(headerBytes)
    const values = new Uint8Array(storedGroups(body.byteLength) * VALUE_BYTES)
    if (values.byteLength > 0) sliceHasher.groupValues(body, 0, values)
    const group = groupOf(slice, body.byteLength)
    const at = slice * SLICE_BYTES
    return {
      header: encoded.subarray(0, headerBytes),
      slice: body.subarray(at, at + sliceLength(slice, body.byteLength)),
      siblings: sliceHasher.siblingsOf(
        slice,
        body.byteLength,
        values,
        body.subarray(group.offset, group.offset + group.bytes)
      )
    }
  }

  async batchProof(ordinal: number, indices: number[]): Promise<Uint8Array> {
    const { start, chunks } = this.#segment(ordinal)
    const leaves = indices.map((index) => index - start)
    return encodeProof(await proveBatch(await this.#tree(ordinal), leaves, chunks))
  }

  /** Inclusion proof of one chunk. */
  async proof(ordinal: number, index: number): Promise<Uint8Array> {
    const { start, chunks } = this.#segment(ordinal)
    return encodeProof(await prove(await this.#tree(ordinal), index - start, chunks))
  }

  async close(): Promise<void> {
    for (const nodes of this.#nodes.values()) await nodes.then((file) => file.close()).catch(() => {})
  }

  #segment(ordinal: number): SliceSegment {
    const segment = this.#segments[ordinal]
    if (!segment) throw new RangeError(`this copy has no segment ${ordinal}`)
    return segment
  }

  #tree(ordinal: number): Promise<NodeFile> {
    let nodes = this.#nodes.get(ordinal)
    if (!nodes)
      this.#nodes.set(
        ordinal,
        (nodes = opened(new NodeFile(this.#store.nodeFile(this.#segment(ordinal).id))))
      )
    return nodes
  }
}

function lost(index: number): StorageError {
  return new StorageError(
    'STORAGE_BLOCK_LOST',
    `chunk ${index} is not on the disk any more, or not as it was`
  )
}
