import { parentPort, workerData } from 'node:worker_threads'
import { loadRsaPrivateKey, loadRsaPublicKey } from '../../src/crypto/rsa.js'

/** What one thread of rsa-native.test.ts gets and gives back. */
export interface ThreadWork {
  publicKey: Uint8Array
  secretKey: Uint8Array
  plain: Uint8Array
  rounds: number
}
export interface ThreadResult {
  sealed: Uint8Array
  opened: Uint8Array
}

const { publicKey, secretKey, plain, rounds } = workerData as ThreadWork
const sealed = new Uint8Array((plain.byteLength / 255) * 256)
const opened = new Uint8Array(plain.byteLength)
for (let round = 0; round < rounds; round++) {
  const key = loadRsaPrivateKey(secretKey)
  key.seal(plain, sealed)
  loadRsaPublicKey(publicKey).open(sealed, opened)
  key.wipe()
}
parentPort!.postMessage({ sealed, opened } satisfies ThreadResult)
