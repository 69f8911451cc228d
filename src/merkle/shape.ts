/** Arithmetic of the tree's shape: RFC 9162 section 2.1, split at the largest power of two below n. */

/** Nodes of the stored tree of `chunks` leaves: those that are roots of complete binary trees. */
export function storedNodes(chunks: number): number {
  return 2 * chunks - ones(chunks)
}

/**
 * Position of node `index` of `level` in the stored tree: nodes are stored in the order in which they become
 * complete as leaves are appended, children before parents, so that a stored tree only ever grows at its end.
 */
export function storedPosition(level: number, index: number): number {
  const lastLeaf = (index + 1) * 2 ** level - 1
  return storedNodes(lastLeaf) + level
}

/** The largest number of chunks whose stored tree has at most `nodes` nodes. */
export function chunksStored(nodes: number): number {
  let chunks = 0
  for (let bit = 2 ** Math.floor(Math.log2(Math.max(nodes, 1))); bit >= 1; bit /= 2) {
    if (storedNodes(chunks + bit) <= nodes) chunks += bit
  }
  return chunks
}

/** Leaves of the left subtree of `count` > 1 leaves: the largest power of two below `count`. */
export function split(count: number): number {
  const last = count - 1
  return last < 2 ** 32 ? highestBit(last) : 2 ** 32 * highestBit(Math.floor(last / 2 ** 32))
}

/** Whether `[start, end)` is one stored node. */
export function isComplete(start: number, end: number): boolean {
  const count = end - start
  return (count === 1 || split(count) * 2 === count) && start % count === 0
}

/** Number of siblings on the path from leaf `index` to the root of `chunks` leaves. */
export function pathLength(index: number, chunks: number): number {
  let length = 0
  for (let start = 0, end = chunks; end - start > 1; length++) {
    const middle = start + split(end - start)
    if (index < middle) end = middle
    else start = middle
  }
  return length
}

/** Number of nodes in the batch proof of leaves (ascending, distinct) of a tree of `chunks`. */
export function batchNodes(indices: ArrayLike<number>, chunks: number): number {
  const walk = (start: number, end: number, from: number, to: number): number => {
    if (from === to) return 1
    // One leaf alone: the path down from here is as long as its own.
    if (to - from === 1) return pathLength(indices[from]! - start, end - start)
    const middle = start + split(end - start)
    const cut = lowerBound(indices, middle, from, to)
    return walk(start, middle, from, cut) + walk(middle, end, cut, to)
  }
  return walk(0, chunks, 0, indices.length)
}

/** First position in `sorted[from, to)` that holds at least `value`. */
export function lowerBound(sorted: ArrayLike<number>, value: number, from: number, to: number): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** The highest set bit of 1 to 2^32 - 1. */
function highestBit(word: number): number {
  return (1 << (31 - Math.clz32(word))) >>> 0
}

/** Set bits of a safe integer. */
function ones(value: number): number {
  return ones32(value >>> 0) + ones32(Math.floor(value / 2 ** 32))
}

function ones32(value: number): number {
  let word = value
  word -= (word >>> 1) & 0x55555555
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
  return (((word + (word >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}
