import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { decodeEntry, encodeEntry } from '../../src/protocol/entry.js'
import { operationHash } from '../../src/protocol/operations.js'
import { entryHash, signReceipt, verifyReceipt } from '../../src/protocol/receipt.js'
import { blake3 } from '../../src/crypto/hash.js'

/** Made by test/vectors/independent.py. */
interface Vectors {
  chainId: string
  chainSeed: string
  chainKey: string
  entries: {
    seq: number
    at: number
    clock: number
    arrived: number | null
    rules: number
    operation: string
    effects: string
    previous: string
    operationHash: string
    hash: string
    wire: string
    receiptSignature: string
  }[]
}

const path = new URL('../../../test/vectors/entries.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vectors
const hex = (from: Uint8Array): string => Buffer.from(from).toString('hex')
const from = (text: string): Buffer => Buffer.from(text, 'hex')
const chainId = from(vectors.chainId)

test('entries are chained by the hashes of the vectors', () => {
  for (const {
    seq,
    at,
    clock,
    arrived,
    rules,
    operation,
    effects,
    previous,
    operationHash: signed,
    hash
  } of vectors.entries) {
    assert.equal(hex(operationHash(chainId, from(operation))), signed)
    const found = entryHash({
      previous: from(previous),
      seq,
      at,
      clock,
      arrived,
      rulesVersion: rules,
      operation: from(signed),
      effects: blake3(from(effects))
    })
    assert.equal(hex(found), hash)
  }
})

test('entries have the bytes of the vectors, both ways', () => {
  for (const { seq, at, clock, arrived, rules, operation, effects, hash, wire } of vectors.entries) {
    const entry = {
      seq,
      at,
      clock,
      arrived,
      rules,
      operation: from(operation),
      effectsHash: blake3(from(effects)),
      hash: from(hash)
    }
    assert.equal(hex(encodeEntry(entry)), wire)
    const back = decodeEntry(from(wire))
    assert.deepEqual(
      { ...back, operation: hex(back.operation), effectsHash: hex(back.effectsHash), hash: hex(back.hash) },
      { ...entry, operation, effectsHash: hex(entry.effectsHash), hash }
    )
  }
})

test('an entry that is cut, or goes on, is refused', () => {
  for (const { wire } of vectors.entries) {
    const bytes = from(wire)
    for (const wrong of [bytes.subarray(0, -1), bytes.subarray(1), Buffer.concat([bytes, Buffer.of(0)])]) {
      assert.throws(() => decodeEntry(wrong), { code: 'OPERATION_MALFORMED' })
    }
  }
})

test('a receipt is the chain’s Ed25519 signature of the vectors, over each of its fields', () => {
  const keyPair = keyPairFromSeed(from(vectors.chainSeed))
  assert.equal(hex(keyPair.publicKey), vectors.chainKey)
  for (const {
    seq,
    at,
    clock,
    arrived,
    operationHash: operation,
    hash,
    receiptSignature
  } of vectors.entries) {
    const said = { seq, operation: from(operation), entry: from(hash), at, clock, arrived }
    const receipt = signReceipt(chainId, keyPair, said)
    assert.equal(hex(receipt.signature), receiptSignature)
    assert.ok(verifyReceipt(chainId, keyPair.publicKey, receipt))
    const other = Buffer.alloc(32, 1)
    for (const wrong of [
      { ...receipt, seq: seq === 0 ? 1 : seq - 1 },
      { ...receipt, at: at - 1 },
      { ...receipt, clock: clock === 0 ? 1 : clock - 1 },
      { ...receipt, arrived: arrived === null ? 0 : null },
      { ...receipt, arrived: (arrived ?? 0) === 0 ? 1 : arrived! - 1 },
      { ...receipt, operation: other },
      { ...receipt, entry: other },
      { ...receipt, signature: Buffer.concat([receipt.signature.subarray(0, 63), Buffer.of(0)]) }
    ]) {
      assert.equal(verifyReceipt(chainId, keyPair.publicKey, wrong), false)
    }
    assert.equal(verifyReceipt(other, keyPair.publicKey, receipt), false)
    assert.equal(verifyReceipt(chainId, other, receipt), false)
  }
})
