import { parentPort, workerData } from 'node:worker_threads'
import sodium from 'sodium-native'
import { WRAP_HEADER_BYTES } from '../../src/chunk/wrap.js'
import { slabHasher } from '../../src/crypto/blake3-slab.js'
import { keyedBlake3 } from '../../src/crypto/hash.js'

/** Evidences of `steps` equal chunks each, which lie at the end of their bytes. */
export interface BareAnswers {
  evidences: Uint8Array[]
  steps: number
  /** Of the encoded chunk. */
  chunkBytes: number
  next: Int32Array
}

// What checking an answer needs of primitives, and nothing else: BLAKE3 of each chunk for its leaf and for the
// walk; for the drawn chunk a signature, a pass of the cipher, and BLAKE2b of the block.
const { evidences, steps, chunkBytes, next } = workerData as BareAnswers
const PREFIX_BYTES = 8
const slotBytes = PREFIX_BYTES + chunkBytes
const bodyBytes = chunkBytes - WRAP_HEADER_BYTES
const offsets = Uint32Array.from({ length: steps }, (_, i) => i * slotBytes + PREFIX_BYTES)
const lengths = new Uint32Array(steps).fill(chunkBytes)
const bodies = new Uint8Array(steps * 32)
const body = Buffer.alloc(bodyBytes)
const key = Buffer.alloc(32, 1)
const nonce = Buffer.alloc(24)
const message = Buffer.alloc(157)
const publicKey = Buffer.alloc(32)
const secretKey = Buffer.alloc(64)
const signature = Buffer.alloc(64)
const digest = Buffer.alloc(32)
sodium.crypto_sign_seed_keypair(publicKey, secretKey, key)
sodium.crypto_sign_detached(signature, message, secretKey)

function answer(evidence: Uint8Array): void {
  const slab = evidence.subarray(evidence.byteLength - steps * slotBytes)
  slabHasher.hashMany(slab, offsets, lengths, 0, steps, WRAP_HEADER_BYTES, bodies)
  for (let i = 0; i < steps; i++) keyedBlake3(key, slab.subarray(i * slotBytes, (i + 1) * slotBytes))
  sodium.crypto_sign_verify_detached(signature, message, publicKey)
  sodium.crypto_stream_xchacha20_xor(body, body, nonce, key)
  sodium.crypto_generichash(digest, body)
}

parentPort!.on('message', (total: number) => {
  for (let i = Atomics.add(next, 0, 1); i < total; i = Atomics.add(next, 0, 1)) {
    answer(evidences[i % evidences.length]!)
  }
  parentPort!.postMessage('done')
})
parentPort!.postMessage('ready')
