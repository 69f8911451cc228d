// BLAKE3's tree straight from the paper (O'Connor, Aumasson, Neves, Wilcox-O'Hearn: BLAKE3, sections 2.1 to 2.4) and slice proofs
// from docs/formats.md. Shares nothing with src/, is slow, and has no shape but that of the definitions.

const INITIAL = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
]
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
const Flag = { chunkStart: 1, chunkEnd: 2, parent: 4, root: 8 }

/** The body of a given length that vectors and tests use: bytes 0, 1, …, 250, 0, 1, … */
export function referenceBody(bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, i) => i % 251))
}

function mix(v: Uint32Array, at: number[], x: number, y: number): void {
  const [a, b, c, d] = at as [number, number, number, number]
  const rotate = (word: number, by: number) => (word >>> by) | (word << (32 - by))
  for (const [m, first, second] of [
    [x, 16, 12],
    [y, 8, 7]
  ] as const) {
    v[a] = v[a]! + v[b]! + m
    v[d] = rotate(v[d]! ^ v[a], first)
    v[c] = v[c]! + v[d]
    v[b] = rotate(v[b]! ^ v[c], second)
  }
}

function compressed(value: number[], block: Uint8Array, counter: number, flags: number): number[] {
  const padded = Buffer.alloc(64)
  padded.set(block)
  let m = Array.from({ length: 16 }, (_, i) => padded.readUInt32LE(4 * i))
  const low = counter % 2 ** 32
  const v = Uint32Array.from([
    ...value,
    ...INITIAL.slice(0, 4),
    low,
    (counter - low) / 2 ** 32,
    block.length,
    flags
  ])
  for (let round = 0; round < 7; round++) {
    for (let i = 0; i < 4; i++) mix(v, [i, 4 + i, 8 + i, 12 + i], m[2 * i]!, m[2 * i + 1]!)
    for (let i = 0; i < 4; i++) {
      mix(v, [i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4)], m[8 + 2 * i]!, m[9 + 2 * i]!)
    }
    m = PERMUTATION.map((from) => m[from]!)
  }
  return Array.from({ length: 8 }, (_, i) => (v[i]! ^ v[i + 8]!) >>> 0)
}

function asBytes(words: number[]): Buffer {
  const out = Buffer.alloc(32)
  for (const [i, word] of words.entries()) out.writeUInt32LE(word, 4 * i)
  return out
}

function sliceValue(slice: Uint8Array, counter: number, root: boolean): Buffer {
  const blocks = Array.from({ length: Math.max(1, Math.ceil(slice.length / 64)) }, (_, i) =>
    slice.subarray(64 * i, 64 * i + 64)
  )
  const last = blocks.length - 1
  const flag = (i: number) =>
    (i === 0 ? Flag.chunkStart : 0) | (i === last ? Flag.chunkEnd | (root ? Flag.root : 0) : 0)
  return asBytes(blocks.reduce((value, block, i) => compressed(value, block, counter, flag(i)), INITIAL))
}

function parentValue(left: Uint8Array, right: Uint8Array, root: boolean): Buffer {
  return asBytes(compressed(INITIAL, Buffer.concat([left, right]), 0, Flag.parent | (root ? Flag.root : 0)))
}

/** Slices left of the cut of n > 1: the largest power of two below n. */
function leftOf(n: number): number {
  return 2 ** Math.floor(Math.log2(n - 1))
}

export function slicesOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 1024))
}

/** The value of the subtree whose first slice has this counter. */
export function referenceValue(bytes: Uint8Array, counter = 0, root = true): Buffer {
  if (bytes.length <= 1024) return sliceValue(bytes, counter, root)
  const cut = leftOf(slicesOf(bytes.length))
  const left = referenceValue(bytes.subarray(0, cut * 1024), counter, false)
  return parentValue(left, referenceValue(bytes.subarray(cut * 1024), counter + cut, false), root)
}

/** The siblings of slice `index`, lowest first. */
export function referenceSiblings(bytes: Uint8Array, index: number, counter = 0): Buffer[] {
  if (bytes.length <= 1024) return []
  const cut = leftOf(slicesOf(bytes.length))
  const [left, right] = [bytes.subarray(0, cut * 1024), bytes.subarray(cut * 1024)]
  return index < cut
    ? [...referenceSiblings(left, index, counter), referenceValue(right, counter + cut, false)]
    : [...referenceSiblings(right, index - cut, counter + cut), referenceValue(left, counter, false)]
}

/** The hash that a slice leads to, or undefined if what is given is no proof of slice `index` of so many bytes. */
export function referenceRoot(
  slice: Uint8Array,
  index: number,
  bodyBytes: number,
  siblings: Uint8Array[]
): Buffer | undefined {
  const n = slicesOf(bodyBytes)
  if (index >= n || slice.length !== Math.min(1024, bodyBytes - 1024 * index)) return undefined
  const rest = [...siblings]
  const up = (from: number, count: number): Buffer | undefined => {
    if (count === 1) return sliceValue(slice, index, n === 1)
    const cut = leftOf(count)
    const inLeft = index < from + cut
    const own = inLeft ? up(from, cut) : up(from + cut, count - cut)
    const sibling = rest.shift()
    if (!own || !sibling) return undefined
    return inLeft ? parentValue(own, sibling, count === n) : parentValue(sibling, own, count === n)
  }
  const root = up(0, n)
  return rest.length === 0 ? root : undefined
}

/** The chaining values of the groups of 16 KiB; none where one group is all. */
export function referenceGroups(bytes: Uint8Array): Buffer[] {
  if (bytes.length <= 16384) return []
  return Array.from({ length: Math.ceil(bytes.length / 16384) }, (_, group) =>
    referenceValue(bytes.subarray(16384 * group, 16384 * (group + 1)), 16 * group, false)
  )
}
