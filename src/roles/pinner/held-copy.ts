import { opened } from '../../lifecycle.js'
import { joinOriginal, type ProofReader } from '../../evidence/format.js'
import type { CopyReader, WalkChallenge } from '../../evidence/walk.js'
import type { WalkSegment } from '../../protocol/views.js'
import { codecOf } from '../../chunk/codecs.js'
import { StorageError } from '../../errors.js'
import { encodeProof, proveBatch } from '../../merkle/proof.js'
import { leafNode, type TreeNode } from '../../merkle/node.js'
import { locate } from '../../merkle/reader.js'
import { NodeFile } from '../../storage/node-file.js'
import { withoutBlock } from '../../protocol/original-tree.js'
import type { PinnerStore } from '../../storage/pinner-store.js'

/**
 * A copy on a pinner's disk as a walk reads it: the chunk at a byte of its segments, raw chunks, and proofs. Opened
 * for one challenge and closed after it.
 */
export class HeldCopy implements CopyReader, ProofReader {
  readonly #store: PinnerStore
  readonly #key: Uint8Array
  readonly #segments: readonly WalkSegment[]
  readonly #nodes = new Map<number, Promise<NodeFile>>()

  constructor(store: PinnerStore, key: Uint8Array, { segments }: WalkChallenge) {
    this.#store = store
    this.#key = key
    this.#segments = segments
  }

  async find(ordinal: number, offset: number): Promise<number> {
    const { start, chunks } = this.#segment(ordinal)
    return start + (await locate(await this.#tree(ordinal), offset, chunks)).index
  }

  /**
   * An encoded chunk, compared with its leaf: an answer with a chunk that the disk has damaged would count as a lie.
   *
   * @throws StorageError STORAGE_BLOCK_LOST
   */
  async chunk(ordinal: number, index: number): Promise<Buffer> {
    const { start, codec } = this.#segment(ordinal)
    const encoded = await this.#store.getEncoded(this.#key, index)
    if (encoded === null) throw lost(index)
    const leaf = await (await this.#tree(ordinal)).node(0, index - start)
    const { hash } = leafNode(encoded, codecOf(codec).headerBytes)
    if (Buffer.compare(hash, leaf.hash) !== 0) throw lost(index)
    return encoded
  }

  async leaf(ordinal: number, index: number): Promise<TreeNode> {
    const tree = await this.#tree(ordinal)
    return tree.node(0, index - this.#segment(ordinal).start)
  }

  async batchProof(ordinal: number, indices: number[]): Promise<Uint8Array> {
    const { start, chunks } = this.#segment(ordinal)
    const leaves = indices.map((index) => index - start)
    return encodeProof(await proveBatch(await this.#tree(ordinal), leaves, chunks))
  }

  async originalProof(_ordinal: number, index: number): Promise<Uint8Array> {
    const segment = this.#store.segments(this.#key).find(({ start, end }) => start <= index && index < end)
    if (!segment) throw lost(index)
    return joinOriginal(segment.length, withoutBlock(await this.#store.originalProof(this.#key, index)))
  }

  async close(): Promise<void> {
    for (const nodes of this.#nodes.values()) await nodes.then((file) => file.close()).catch(() => {})
  }

  #segment(ordinal: number): WalkSegment {
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
