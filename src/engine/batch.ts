import { HASH_BYTES } from '../crypto/hash.js'
import { RECORD_BYTES, type TreeNode } from '../merkle/node.js'

/**
 * Consecutive chunks that a stream has done. All bytes lie in memory that the engine uses again: they are valid
 * until the next batch is asked for, and may be shared memory, which some libraries refuse.
 */
export class Batch {
  /** Index in the hypercore of the first chunk. */
  readonly firstIndex: number
  readonly count: number
  /** Bytes of each encoded chunk. */
  readonly encodedBytes: Uint32Array
  /** Bytes of each plain chunk; empty for a stream of leaves. */
  readonly plainBytes: Uint32Array
  /** Nodes of the segment's tree over these chunks, the leaves first: for `TreeBuilder.append(count, levels)`. */
  readonly levels: Uint8Array
  /** All encoded chunks one after another, where the stream encodes; else empty. */
  readonly encoded: Buffer
  readonly #originals: Uint8Array | undefined
  readonly #data: Buffer
  readonly #offsets: Uint32Array
  readonly #lengths: Uint32Array
  #chunks: Buffer[] | undefined

  constructor(fields: {
    firstIndex: number
    count: number
    encodedBytes: Uint32Array
    plainBytes: Uint32Array
    levels: Uint8Array
    encoded: Buffer
    /** Leaves of the original's tree, where a worker made them. */
    originals?: Uint8Array | undefined
    data: Buffer
    /** Of the chunks that come out, in `data`. */
    offsets: Uint32Array
    lengths: Uint32Array
  }) {
    this.firstIndex = fields.firstIndex
    this.count = fields.count
    this.encodedBytes = fields.encodedBytes
    this.plainBytes = fields.plainBytes
    this.levels = fields.levels
    this.encoded = fields.encoded
    this.#originals = fields.originals
    this.#data = fields.data
    this.#offsets = fields.offsets
    this.#lengths = fields.lengths
  }

  /** The chunks that come out: encoded, or plain; none for a stream of leaves. */
  get chunks(): Buffer[] {
    this.#chunks ??= Array.from(this.#offsets, (offset, i) =>
      this.#data.subarray(offset, offset + this.#lengths[i]!)
    )
    return this.#chunks
  }

  /**
   * The leaf that hypercore's own tree has for the i-th chunk, in memory of its own. Undefined unless the stream was asked
   * for it, and of chunks so large that no worker saw the whole.
   */
  original(i: number): Buffer | undefined {
    if (!this.#originals) return undefined
    return Buffer.from(this.#originals.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES))
  }

  /** The leaf of the i-th chunk of this batch, in memory of its own. */
  leaf(i: number): TreeNode {
    const at = i * RECORD_BYTES + 8
    return { hash: Buffer.from(this.levels.subarray(at, at + HASH_BYTES)), bytes: this.encodedBytes[i]! }
  }
}
