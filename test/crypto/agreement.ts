import assert from 'node:assert/strict'
import { rsaKeyFromSeed, bigintOf, bytesOf } from '../../src/crypto/rsa-key.js'
import {
  PAYLOAD_BYTES,
  loadRsaPrivateKey,
  loadRsaPublicKey,
  rsaPaths,
  type RsaPath
} from '../../src/crypto/rsa.js'
import { bytesFrom } from '../helpers/bytes.js'
import { extremeKeys, primesOf, type ShapedKey } from '../helpers/rsa-keys.js'

/** Blocks that the TypeScript path does of each key, as it is slow. */
const BIGINT_BLOCKS = 12
/** Blocks sealed at once. */
const RUN_BLOCKS = 500

/** What was compared. */
export interface Agreement {
  keys: number
  blocks: number
  paths: RsaPath[]
}

/**
 * Seals and opens about `blocks` blocks, of two ordinary keys and of all extreme shapes, on every path that there is here,
 * and asserts that all paths give the same bytes and refuse the same blocks. `seed` decides the random ones.
 */
export function assertPathsAgree(blocks: number, seed: string): Agreement {
  const keys: ShapedKey[] = [
    { shape: '4 primes', secretKey: rsaKeyFromSeed(Buffer.alloc(32, 1), 4).secretKey },
    { shape: '3 primes', secretKey: rsaKeyFromSeed(Buffer.alloc(32, 1), 3).secretKey },
    ...extremeKeys()
  ]
  const paths = rsaPaths()
  const each = Math.max(64, Math.ceil(blocks / keys.length))
  for (const { shape, secretKey } of keys) {
    const modulus = loadRsaPrivateKey(secretKey, paths[0]).modulus
    for (let done = 0; done < each; done += RUN_BLOCKS) {
      const count = Math.min(RUN_BLOCKS, each - done)
      const name = `${seed} ${shape} ${done}`
      const plain = bytesFrom(`${name} plain`, count * PAYLOAD_BYTES)
      const sealed = bytesFrom(`${name} sealed`, count * 256)
      if (done === 0) {
        plainEdges(primesOf(secretKey)).forEach((edge, i) => plain.set(edge, i * PAYLOAD_BYTES))
        sealedEdges(bigintOf(modulus)).forEach((edge, i) => sealed.set(edge, i * 256))
      }
      assertSealAlike(secretKey, plain, paths, shape)
      assertOpenAlike(modulus, sealed, paths, shape)
    }
  }
  return { keys: keys.length, blocks: each * keys.length, paths }
}

/** The first blocks too on the slow path; every result opens to its block. */
function assertSealAlike(secretKey: Buffer, plain: Buffer, paths: RsaPath[], shape: string): void {
  const count = plain.byteLength / PAYLOAD_BYTES
  let expected: Buffer | undefined
  for (const path of paths) {
    const here = path === 'bigint' ? Math.min(count, BIGINT_BLOCKS) : count
    const sealed = Buffer.alloc(here * 256)
    const key = loadRsaPrivateKey(secretKey, path)
    key.seal(plain.subarray(0, here * PAYLOAD_BYTES), sealed)
    expected ??= sealed
    assert.ok(expected.subarray(0, sealed.byteLength).equals(sealed), `${shape}: ${path} seals otherwise`)
    const opened = Buffer.alloc(here * PAYLOAD_BYTES)
    assert.equal(key.open(sealed, opened), -1, `${shape}: ${path} refuses what it sealed`)
    assert.ok(opened.equals(plain.subarray(0, opened.byteLength)), `${shape}: ${path} opens otherwise`)
    key.wipe()
  }
}

/** Block by block: most random ones open to no 255 bytes, and all paths must say so of the same ones. */
function assertOpenAlike(modulus: Buffer, sealed: Buffer, paths: RsaPath[], shape: string): void {
  const keys = paths.map((path) => loadRsaPublicKey(modulus, path))
  for (let at = 0; at < sealed.byteLength; at += 256) {
    const block = sealed.subarray(at, at + 256)
    const here = keys.filter(({ path }) => path !== 'bigint' || at < BIGINT_BLOCKS * 256)
    if (here.length === 0) return
    const results = here.map((key) => {
      const plain = Buffer.alloc(PAYLOAD_BYTES)
      return `${key.open(block, plain)} ${plain.toString('hex')}`
    })
    assert.equal(new Set(results).size, 1, `${shape}: paths differ on ${block.toString('hex')}`)
  }
}

/** 0, single bits and runs of ones at the ends of words and limbs, and multiples of the primes. */
function plainEdges(primes: bigint[]): Buffer[] {
  const top = 1n << 2040n
  const bits = [0n, 51n, 52n, 58n, 64n, 511n, 512n, 520n, 522n, 682n, 683n, 728n, 1040n, 2039n]
  const numbers = [0n, top - 1n, ...bits.map((bit) => 1n << bit), ...bits.map((bit) => (1n << bit) - 1n)]
  for (const p of primes) numbers.push(p, p - 1n, p + 1n, (top / p) * p, p * p, p * p - 1n)
  return numbers.map((number) => bytesOf(number % top, PAYLOAD_BYTES))
}

function sealedEdges(n: bigint): Buffer[] {
  const numbers = [0n, 1n, n - 1n, n, n + 1n, (1n << 2048n) - 1n, 1n << 2047n, 1n << 2040n, 2n]
  return numbers.map((number) => bytesOf(number, 256))
}
