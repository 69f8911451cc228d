import { checkModulusShape } from '../../src/crypto/modulus.js'
import { hash, xof } from '../../src/crypto/hash.js'
import { CryptoError } from '../../src/errors.js'

const made = new Map<string, Buffer>()

/** A modulus of good shape whose factors nobody knows: the first of a name's random numbers that has it. */
export function shapedModulus(name: string): Buffer {
  for (let i = 0, found = made.get(name); ; i++) {
    if (found) return Buffer.from(found)
    const number = xof(256, 'test/modulus', name, i)
    number[0]! |= 0x80
    number[255]! |= 1
    try {
      checkModulusShape(number)
    } catch (error) {
      if (error instanceof CryptoError) continue
      throw error
    }
    made.set(name, (found = Buffer.from(number)))
  }
}

/** What a record of a `seal` segment says, with a modulus of good shape. */
export function shapedSeal(name: string): { publicKey: Buffer; primeProof: Buffer } {
  return { publicKey: shapedModulus(name), primeProof: Buffer.from(hash('test/prime-proof', name)) }
}
