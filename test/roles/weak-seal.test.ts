import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeChunk, encodeChunk } from '../../src/chunk/codecs.js'
import { hash } from '../../src/crypto/hash.js'
import { rsaKeyFromSeed } from '../../src/crypto/rsa-key.js'
import { weakModulus } from '../crypto/weak-keys.js'
import { primesOf } from '../helpers/rsa-keys.js'
import { anyKey, anySeal } from './weak-seal.js'

const plain = Buffer.alloc(600, 7)
const place = { codec: 'seal', id: hash('test/segment'), salt: hash('test/salt') } as const

test('a chunk sealed with the primes of an honest key is the one that this project makes', () => {
  const { publicKey, secretKey } = rsaKeyFromSeed(hash('test/modulus'))
  const factors = primesOf(secretKey).map((p) => ({ p, exponent: 1 }))
  const key = anyKey(BigInt(`0x${publicKey.toString('hex')}`), factors)
  const segment = { ...place, publicKey }
  const honest = encodeChunk({ ...segment, secretKey }, 3, plain, hash('test/seed'))
  assert.deepEqual(anySeal(key, segment, 3, plain), Buffer.from(honest))
})

test('a chunk sealed with 32 primes of 64 bits opens as any other', () => {
  const { n, primes } = weakModulus(Array<number>(32).fill(1), 3)
  const key = anyKey(
    n,
    primes.map((p) => ({ p, exponent: 1 }))
  )
  const segment = { ...place, publicKey: key.publicKey }
  assert.deepEqual(Buffer.from(decodeChunk(segment, 3, anySeal(key, segment, 3, plain))), plain)
})
