import { InputError } from '../errors.js'
import {
  RECORD_BYTES,
  buildLevels,
  decodeNode,
  encodeNode,
  levelsBytes,
  levelsOf,
  parentNode,
  writeNode,
  type Level,
  type TreeNode,
  type TreeRoot
} from './node.js'
import { storedNodes } from './shape.js'
import type { NodeReader } from './reader.js'

/** Takes the records of a stored tree as they become final, in their order. The bytes are the taker's. */
export type NodeSink = (records: Uint8Array) => void

/**
 * Builds a segment's tree from its leaves, front to back. Keeps the roots of the complete subtrees so far
 * (at most one a level), so that the root of what has been appended is known at any moment.
 */
export class TreeBuilder {
  readonly #sink: NodeSink | undefined
  /** Level k holds a node exactly if bit k of `#chunks` is set. */
  #peaks: TreeNode[] = []
  #chunks = 0
  #bytes = 0
  /** Room for the record of a leaf: memory for each would cost more than all else that is done with it. */
  readonly #leaf = new Uint8Array(RECORD_BYTES)

  /** @param sink where the nodes of the stored tree go, if proofs are wanted later */
  constructor(sink?: NodeSink) {
    this.#sink = sink
  }

  /** A builder that goes on where a stored tree ends, or at its first `chunks`. */
  static async resume(reader: NodeReader, chunks = reader.chunks, sink?: NodeSink): Promise<TreeBuilder> {
    const builder = new TreeBuilder(sink)
    let start = 0
    for (let level = Math.floor(Math.log2(Math.max(chunks, 1))); level >= 0; level--) {
      const width = 2 ** level
      if (chunks - start < width) continue
      const peak = await reader.node(level, start / width)
      builder.#peaks[level] = peak
      builder.#bytes += peak.bytes
      start += width
    }
    builder.#chunks = chunks
    return builder
  }

  /** Leaves so far. */
  get chunks(): number {
    return this.#chunks
  }

  /** Bytes of encoded chunks so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Appends one leaf. */
  appendLeaf(leaf: TreeNode): void {
    writeNode(leaf, this.#leaf)
    this.append(1, this.#leaf)
  }

  /**
   * Appends `count` leaves. `levels` begins with their records; unless only they are there, all nodes of
   * `buildLevels(chunks, count, …)` follow, as the engine's workers make them.
   */
  append(count: number, levels: Uint8Array): void {
    if (count === 0) return
    const first = this.#chunks
    let records = levels
    if (count > 1 && records.byteLength === count * RECORD_BYTES) {
      records = new Uint8Array(levelsBytes(count))
      records.set(levels)
      buildLevels(first, count, records)
    }
    const range = new Range(this.#peaks, first, count, records)
    this.#sink?.(range.stored())
    this.#peaks = range.peaks()
    this.#chunks = first + count
    this.#bytes = 0
    for (const peak of this.#peaks) this.#bytes += peak?.bytes ?? 0
  }

  /**
   * The root of all leaves so far.
   *
   * @throws InputError `TREE_EMPTY` before the first leaf
   */
  root(): TreeRoot {
    let root: TreeNode | undefined
    for (const peak of this.#peaks) {
      if (peak) root = root ? parentNode(peak, root) : peak
    }
    if (!root) throw new InputError('TREE_EMPTY', 'a tree without leaves has no root')
    return { hash: root.hash, bytes: root.bytes, chunks: this.#chunks }
  }
}

/** The nodes that appending one range completes: those inside it, and one a level that reaches back before it. */
class Range {
  readonly #levels: Level[]
  readonly #crossing: (TreeNode | undefined)[] = []
  readonly #before: TreeNode[]
  readonly #first: number
  readonly #end: number
  readonly #records: Uint8Array

  constructor(before: TreeNode[], first: number, count: number, records: Uint8Array) {
    this.#before = before
    this.#first = first
    this.#end = first + count
    this.#records = records
    this.#levels = levelsOf(first, count)
    for (let level = 1, width = 2; width <= this.#end; level++, width *= 2) {
      const index = Math.floor(first / width)
      const crosses = first % width !== 0 && (index + 1) * width <= this.#end
      this.#crossing[level] = crosses
        ? parentNode(this.#node(level - 1, 2 * index), this.#node(level - 1, 2 * index + 1))
        : undefined
    }
  }

  /** Roots of the complete subtrees after this range. */
  peaks(): TreeNode[] {
    const peaks: TreeNode[] = []
    for (let level = 0, width = 1; width <= this.#end; level++, width *= 2) {
      const index = Math.floor(this.#end / width)
      if (index % 2 === 1) peaks[level] = this.#node(level, index - 1)
    }
    return peaks
  }

  /** Records of all completed nodes in stored order, in memory of their own. */
  stored(): Uint8Array {
    const bytes = (storedNodes(this.#end) - storedNodes(this.#first)) * RECORD_BYTES
    const out = new Uint8Array(bytes)
    const words = new Uint32Array(out.buffer)
    const source = alignedWords(this.#records)
    const recordWords = RECORD_BYTES / 4
    let to = 0
    for (let leaf = this.#first; leaf < this.#end; leaf++) {
      for (let level = 0, index = leaf; ; level++, index = (index - 1) / 2) {
        const inside = this.#levels[level]
        if (inside && index >= inside.index) {
          const from = inside.at / 4 + (index - inside.index) * recordWords
          for (let i = 0; i < recordWords; i++) words[to + i] = source[from + i]!
        } else {
          out.set(encodeNode(this.#node(level, index)), to * 4)
        }
        to += recordWords
        if (index % 2 === 0) break
      }
    }
    return out
  }

  #node(level: number, index: number): TreeNode {
    const inside = this.#levels[level]
    if (inside && index >= inside.index) {
      return decodeNode(this.#records, inside.at + (index - inside.index) * RECORD_BYTES)
    }
    if ((index + 1) * 2 ** level > this.#first) return this.#crossing[level]!
    return this.#before[level]!
  }
}

function alignedWords(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
  return new Uint32Array(aligned.buffer, aligned.byteOffset, Math.floor(aligned.byteLength / 4))
}
