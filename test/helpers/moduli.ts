import { checkModulusShape } from '../../src/crypto/modulus.js'
import { hash, xof } from '../../src/crypto/hash.js'
import { bigintOf, bytesOf, rsaKeyFromSeed } from '../../src/crypto/rsa-key.js'
import { CryptoError } from '../../src/errors.js'
import { modPow } from '../crypto/weak-keys.js'
import { primesOf } from './rsa-keys.js'

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

/** A key that its owner has kept: its primes, and the root of any value. */
export interface OwnedKey {
  publicKey: Buffer
  primes: bigint[]
  root(value: Uint8Array): Buffer
}

const owned = new Map<string, OwnedKey>()

/** The key of a name. */
export function ownedKey(name: string): OwnedKey {
  const known = owned.get(name)
  if (known) return known
  const { publicKey, secretKey } = rsaKeyFromSeed(hash('test/owned-key', name))
  const primes = primesOf(secretKey)
  const root = (value: Uint8Array): Buffer => {
    const order = primes.reduce((left, p) => left * (p - 1n), 1n)
    // e is prime and divides no p - 1: its inverse by Fermat, k order + 1 a multiple of e.
    const e = 65537n
    const d = (((e - modPow(order % e, e - 2n, e)) % e) * order + 1n) / e
    return bytesOf(modPow(bigintOf(value), d, bigintOf(publicKey)), 256)
  }
  const key = { publicKey, primes, root }
  owned.set(name, key)
  return key
}

/** What a record of a `seal` segment says, with the modulus of the key of a name. */
export function ownedSeal(name: string): { publicKey: Buffer; primeProof: Buffer } {
  return { publicKey: ownedKey(name).publicKey, primeProof: Buffer.from(hash('test/prime-proof', name)) }
}
