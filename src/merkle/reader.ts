import { InputError } from '../errors.js'
import { RECORD_BYTES, decodeNode, parentNode, type TreeNode, type TreeRoot } from './node.js'
import { chunksStored, isComplete, split, storedNodes, storedPosition } from './shape.js'

/** Access to the nodes of a stored tree, wherever it is kept. */
export interface NodeReader {
  /** Leaves of the tree. */
  readonly chunks: number
  /** Node `index` of `level`: root of the complete subtree over leaves `[index * 2^level, (index + 1) * 2^level)`. */
  node(level: number, index: number): TreeNode | Promise<TreeNode>
}

/** Where a chunk lies in its segment. */
export interface ChunkPosition {
  index: number
  /** First byte of the chunk, counted from the start of the segment's encoded bytes. */
  offset: number
  bytes: number
}

/** Root of the first `chunks` leaves of a stored tree; reads and hashes O(log n). */
export async function rootOf(reader: NodeReader, chunks = reader.chunks): Promise<TreeRoot> {
  if (!Number.isSafeInteger(chunks) || chunks < 1 || chunks > reader.chunks) {
    throw new InputError('TREE_RANGE', `a tree of ${reader.chunks} leaves has no root of ${chunks}`)
  }
  return { ...(await subtree(reader, 0, chunks)), chunks }
}

/** The node over leaves `[start, end)`, which must be a subtree of a tree in this shape. */
export async function subtree(reader: NodeReader, start: number, end: number): Promise<TreeNode> {
  if (isComplete(start, end)) {
    const width = end - start
    return reader.node(Math.log2(width), start / width)
  }
  const middle = start + split(end - start)
  return parentNode(await subtree(reader, start, middle), await subtree(reader, middle, end))
}

/**
 * The chunk that holds byte `byteOffset` of the segment, found from the sizes in the tree: O(log n) reads.
 *
 * @throws InputError `TREE_RANGE` for an offset outside the first `chunks` chunks
 */
export async function locate(
  reader: NodeReader,
  byteOffset: number,
  chunks = reader.chunks
): Promise<ChunkPosition> {
  const root = await rootOf(reader, chunks)
  if (!Number.isSafeInteger(byteOffset) || byteOffset < 0 || byteOffset >= root.bytes) {
    throw new InputError('TREE_RANGE', `byte ${byteOffset} is outside a segment of ${root.bytes} bytes`)
  }
  let start = 0
  let end = chunks
  let offset = 0
  let bytes = root.bytes
  while (end - start > 1) {
    const middle = start + split(end - start)
    const left = await subtree(reader, start, middle)
    if (byteOffset < offset + left.bytes) {
      end = middle
      bytes = left.bytes
    } else {
      start = middle
      offset += left.bytes
      bytes -= left.bytes
    }
  }
  return { index: start, offset, bytes }
}

/** A stored tree in memory: the same bytes that a `TreeFile` holds. */
export class MemoryTree implements NodeReader {
  #records = new Uint8Array(64 * RECORD_BYTES)
  #nodes = 0

  get chunks(): number {
    return chunksStored(this.#nodes)
  }

  /** Appends records of a `TreeBuilder`'s sink. */
  append(records: Uint8Array): void {
    const at = this.#nodes * RECORD_BYTES
    if (at + records.byteLength > this.#records.byteLength) {
      const grown = new Uint8Array(Math.max(2 * this.#records.byteLength, at + records.byteLength))
      grown.set(this.#records.subarray(0, at))
      this.#records = grown
    }
    this.#records.set(records, at)
    this.#nodes += records.byteLength / RECORD_BYTES
  }

  /** Forgets all leaves after the first `chunks`. */
  truncate(chunks: number): void {
    this.#nodes = Math.min(this.#nodes, storedNodes(chunks))
  }

  node(level: number, index: number): TreeNode {
    const position = storedPosition(level, index)
    if (position >= this.#nodes)
      throw new InputError('TREE_RANGE', `node ${index} of level ${level} is not there`)
    return decodeNode(this.#records, position * RECORD_BYTES)
  }
}
