/**
 * Whether a commitment to a factor begins with so many zero bits. Finding one takes about `2^bits` hashes, which is what it costs
 * to commit without money: nothing beside what a factor is worth, and too much to fill the chain with commitments.
 */
export function isWorked(commitment: Uint8Array, bits: number): boolean {
  for (let bit = 0; bit < bits; bit++) {
    if (((commitment[bit >> 3]! >> (7 - (bit & 7))) & 1) !== 0) return false
  }
  return true
}
