// BLAKE3's compression function (the BLAKE3 paper, sections 2.2 and 2.3) in TypeScript alone. Libraries give hashes, not the
// chaining values inside their tree; and this runs where no addon does, in a browser.

/** Bytes of a block, the unit that is compressed. */
export const BLOCK_BYTES = 64

/** Words of a chaining value. */
export const VALUE_WORDS = 8

/** Initial values, those of SHA-256. */
export const IV = Int32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19
)

/** Which of a round's mixings takes which message word: each row is the row before, permuted. */
const SCHEDULE = schedule([2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8], 7)

function schedule(permutation: readonly number[], rounds: number): Uint8Array {
  const rows = new Uint8Array(rounds * 16)
  for (let i = 0; i < rows.length; i++) rows[i] = i < 16 ? i : rows[i - 16 - (i % 16) + permutation[i % 16]!]!
  return rows
}

/**
 * Compresses one block. `out` gets the 16 words of extended output; its first 8 are the new chaining value.
 *
 * @param value chaining value before the block, 8 words
 * @param block 16 words; what is beyond `length` bytes must be 0
 * @param counter number of the chunk, or of the block of extended output; a safe integer
 * @param length bytes of the block, 0..64
 * @param out 16 words, may not be `block`
 */
export function compress(
  value: Int32Array,
  block: Int32Array,
  counter: number,
  length: number,
  flags: number,
  out: Int32Array
): void {
  let a0 = value[0]!
  let a1 = value[1]!
  let a2 = value[2]!
  let a3 = value[3]!
  let b0 = value[4]!
  let b1 = value[5]!
  let b2 = value[6]!
  let b3 = value[7]!
  let c0 = IV[0]!
  let c1 = IV[1]!
  let c2 = IV[2]!
  let c3 = IV[3]!
  let d0 = counter | 0
  let d1 = (counter / 0x100000000) | 0
  let d2 = length
  let d3 = flags
  // Written out, since words that are variables stay in registers. Rows are a to d, columns 0 to 3.
  for (let s = 0; s < SCHEDULE.length; s += 16) {
    a0 = (a0 + b0 + block[SCHEDULE[s]!]!) | 0
    d0 = rotate16(d0 ^ a0)
    c0 = (c0 + d0) | 0
    b0 = rotate12(b0 ^ c0)
    a0 = (a0 + b0 + block[SCHEDULE[s + 1]!]!) | 0
    d0 = rotate8(d0 ^ a0)
    c0 = (c0 + d0) | 0
    b0 = rotate7(b0 ^ c0)

    a1 = (a1 + b1 + block[SCHEDULE[s + 2]!]!) | 0
    d1 = rotate16(d1 ^ a1)
    c1 = (c1 + d1) | 0
    b1 = rotate12(b1 ^ c1)
    a1 = (a1 + b1 + block[SCHEDULE[s + 3]!]!) | 0
    d1 = rotate8(d1 ^ a1)
    c1 = (c1 + d1) | 0
    b1 = rotate7(b1 ^ c1)

    a2 = (a2 + b2 + block[SCHEDULE[s + 4]!]!) | 0
    d2 = rotate16(d2 ^ a2)
    c2 = (c2 + d2) | 0
    b2 = rotate12(b2 ^ c2)
    a2 = (a2 + b2 + block[SCHEDULE[s + 5]!]!) | 0
    d2 = rotate8(d2 ^ a2)
    c2 = (c2 + d2) | 0
    b2 = rotate7(b2 ^ c2)

    a3 = (a3 + b3 + block[SCHEDULE[s + 6]!]!) | 0
    d3 = rotate16(d3 ^ a3)
    c3 = (c3 + d3) | 0
    b3 = rotate12(b3 ^ c3)
    a3 = (a3 + b3 + block[SCHEDULE[s + 7]!]!) | 0
    d3 = rotate8(d3 ^ a3)
    c3 = (c3 + d3) | 0
    b3 = rotate7(b3 ^ c3)

    a0 = (a0 + b1 + block[SCHEDULE[s + 8]!]!) | 0
    d3 = rotate16(d3 ^ a0)
    c2 = (c2 + d3) | 0
    b1 = rotate12(b1 ^ c2)
    a0 = (a0 + b1 + block[SCHEDULE[s + 9]!]!) | 0
    d3 = rotate8(d3 ^ a0)
    c2 = (c2 + d3) | 0
    b1 = rotate7(b1 ^ c2)

    a1 = (a1 + b2 + block[SCHEDULE[s + 10]!]!) | 0
    d0 = rotate16(d0 ^ a1)
    c3 = (c3 + d0) | 0
    b2 = rotate12(b2 ^ c3)
    a1 = (a1 + b2 + block[SCHEDULE[s + 11]!]!) | 0
    d0 = rotate8(d0 ^ a1)
    c3 = (c3 + d0) | 0
    b2 = rotate7(b2 ^ c3)

    a2 = (a2 + b3 + block[SCHEDULE[s + 12]!]!) | 0
    d1 = rotate16(d1 ^ a2)
    c0 = (c0 + d1) | 0
    b3 = rotate12(b3 ^ c0)
    a2 = (a2 + b3 + block[SCHEDULE[s + 13]!]!) | 0
    d1 = rotate8(d1 ^ a2)
    c0 = (c0 + d1) | 0
    b3 = rotate7(b3 ^ c0)

    a3 = (a3 + b0 + block[SCHEDULE[s + 14]!]!) | 0
    d2 = rotate16(d2 ^ a3)
    c1 = (c1 + d2) | 0
    b0 = rotate12(b0 ^ c1)
    a3 = (a3 + b0 + block[SCHEDULE[s + 15]!]!) | 0
    d2 = rotate8(d2 ^ a3)
    c1 = (c1 + d2) | 0
    b0 = rotate7(b0 ^ c1)
  }
  // `out` may be `value`: the second half reads it first.
  out[8] = c0 ^ value[0]!
  out[9] = c1 ^ value[1]!
  out[10] = c2 ^ value[2]!
  out[11] = c3 ^ value[3]!
  out[12] = d0 ^ value[4]!
  out[13] = d1 ^ value[5]!
  out[14] = d2 ^ value[6]!
  out[15] = d3 ^ value[7]!
  out[0] = a0 ^ c0
  out[1] = a1 ^ c1
  out[2] = a2 ^ c2
  out[3] = a3 ^ c3
  out[4] = b0 ^ d0
  out[5] = b1 ^ d1
  out[6] = b2 ^ d2
  out[7] = b3 ^ d3
}

function rotate16(word: number): number {
  return (word >>> 16) | (word << 16)
}

function rotate12(word: number): number {
  return (word >>> 12) | (word << 20)
}

function rotate8(word: number): number {
  return (word >>> 8) | (word << 24)
}

function rotate7(word: number): number {
  return (word >>> 7) | (word << 25)
}
