import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  aliveValue,
  factorBytes,
  factorCommitment,
  isAliveRoot,
  isProperFactor
} from '../../src/crypto/bounty.js'
import { bigintOf, bytesOf } from '../../src/crypto/rsa-key.js'
import { rsaPaths } from '../../src/crypto/rsa.js'

const file = new URL('../../../test/vectors/prime-proof.json', import.meta.url)
const { bounty } = JSON.parse(readFileSync(file, 'utf8')) as { bounty: Record<string, string> }
const vector = (name: string): Buffer => Buffer.from(bounty[name]!, 'hex')
const [modulus, factor, root] = [vector('modulus'), vector('factor'), vector('root')]
const n = bigintOf(modulus)

test('the commitment and the challenge value are those of the independent implementation', () => {
  assert.deepEqual(
    factorCommitment(vector('segmentId'), vector('finder'), factor, vector('salt')),
    vector('commitment')
  )
  assert.deepEqual(aliveValue(vector('segmentId'), vector('finder'), vector('beacon')), vector('aliveValue'))
})

test('another finder, segment or beacon value asks for another root', () => {
  const own = vector('aliveValue')
  const other = Buffer.alloc(32, 9)
  for (const value of [
    aliveValue(other, vector('finder'), vector('beacon')),
    aliveValue(vector('segmentId'), other, vector('beacon')),
    aliveValue(vector('segmentId'), vector('finder'), other)
  ]) {
    assert.notDeepEqual(value, own)
    assert.equal(isAliveRoot(modulus, value, root), false)
  }
})

test('a root is accepted on every path, and no other number', () => {
  const value = vector('aliveValue')
  for (const path of rsaPaths()) assert.equal(isAliveRoot(modulus, value, root, path), true)
  assert.equal(isAliveRoot(modulus, value, root), true)
  const z = bigintOf(root)
  const bad = [
    bytesOf(n - z, 256),
    bytesOf(z + 1n, 256),
    Buffer.alloc(256),
    Buffer.alloc(256, 0xff),
    bytesOf(n, 256),
    root.subarray(1),
    Buffer.concat([root, root]),
    Buffer.alloc(0)
  ]
  for (const bytes of bad) {
    assert.equal(isAliveRoot(modulus, value, bytes), false)
    for (const path of rsaPaths()) assert.equal(isAliveRoot(modulus, value, bytes, path), false)
  }
  assert.equal(isAliveRoot(modulus, value.subarray(1), root), false)
  assert.throws(() => isAliveRoot(Buffer.alloc(256), value, root), { code: 'RSA_KEY' })
})

test('a factor is any divisor but 1 and N, as 256 bytes', () => {
  const p = bigintOf(factor)
  assert.equal(isProperFactor(modulus, factor), true)
  assert.equal(isProperFactor(modulus, factorBytes(n / p)), true)
  for (const bad of [0n, 1n, n, p + 1n, p - 1n, 2n * p]) {
    assert.equal(isProperFactor(modulus, factorBytes(bad)), false)
  }
  for (const bytes of [Buffer.alloc(0), factor.subarray(1), Buffer.concat([Buffer.alloc(1), factor])]) {
    assert.equal(isProperFactor(modulus, bytes), false)
  }
  for (const value of [-1n, 1n << 2048n]) assert.throws(() => factorBytes(value), { code: 'FACTOR_RANGE' })
})
