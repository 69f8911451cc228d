import { constants, generateKeyPairSync, privateEncrypt, publicDecrypt } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { randomBytes } from '../../src/crypto/keys.js'
import { rsaKeyFromSeed, type PrimeCount } from '../../src/crypto/rsa-key.js'
import { PAYLOAD_BYTES, loadRsaPrivateKey, loadRsaPublicKey, type RsaPath } from '../../src/crypto/rsa.js'

/** What a bench thread does with blocks of 255 bytes, with nothing around it. */
export type RsaWork =
  /** Our core alone: no mask, no header, no hash. */
  | { name: 'seal core' | 'open core'; path: RsaPath; primes: PrimeCount }
  /** RSA-2048 of two primes through node:crypto, raw, one block at a time: the only way it offers. */
  | { name: 'node private' | 'node public' }

const CORE_BLOCKS = 256

const { work } = workerData as { work: RsaWork }
const run = 'path' in work ? core(work) : node(work.name)

parentPort!.on('message', (blocks: number) => {
  run(blocks)
  parentPort!.postMessage('done')
})
parentPort!.postMessage('ready')

function core({ name, path, primes }: Extract<RsaWork, { path: RsaPath }>): (blocks: number) => void {
  const { publicKey, secretKey } = rsaKeyFromSeed(randomBytes(32), primes)
  const [secret, open] = [loadRsaPrivateKey(secretKey, path), loadRsaPublicKey(publicKey, path)]
  const plain = randomBytes(CORE_BLOCKS * PAYLOAD_BYTES)
  const sealed = Buffer.alloc(CORE_BLOCKS * 256)
  if (name === 'open core') secret.seal(plain, sealed)
  return (blocks) => {
    for (let done = 0; done < blocks; done += CORE_BLOCKS) {
      const here = Math.min(CORE_BLOCKS, blocks - done)
      const [p, s] = [plain.subarray(0, here * PAYLOAD_BYTES), sealed.subarray(0, here * 256)]
      if (name === 'seal core') secret.seal(p, s)
      else if (open.open(s, p) !== -1) throw new Error('refused')
    }
  }
}

function node(name: 'node private' | 'node public'): (blocks: number) => void {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const padding = constants.RSA_NO_PADDING
  const [secret, open] = [
    { key: privateKey, padding },
    { key: publicKey, padding }
  ]
  const plain = randomBytes(256)
  plain[0] = 0
  const sealed = privateEncrypt(secret, plain)
  return (blocks) => {
    for (let i = 0; i < blocks; i++) {
      if (name === 'node private') privateEncrypt(secret, plain)
      else publicDecrypt(open, sealed)
    }
  }
}
