import { hash } from '../../src/crypto/hash.js'

/** Numbers in [0, 1) that follow from a seed and a name alone. */
export type Chance = () => number

export function chanceOf(seed: number, name: string): Chance {
  let drawn = 0
  let block: Buffer = Buffer.alloc(0)
  return () => {
    const at = (drawn % 8) * 4
    if (at === 0) block = hash('simulate/chance', seed, name, drawn)
    drawn++
    return block.readUInt32LE(at) / 2 ** 32
  }
}
