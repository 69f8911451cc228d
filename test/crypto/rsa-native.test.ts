import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { loadAddon } from '../../src/crypto/native.js'
import { rsaKeyFromSeed } from '../../src/crypto/rsa-key.js'
import { loadRsaPrivateKey, rsaPaths } from '../../src/crypto/rsa.js'
import { bytesFrom } from '../helpers/bytes.js'
import type { ThreadResult } from './rsa-thread.js'

type Call = (...values: unknown[]) => unknown

const keys = [rsaKeyFromSeed(Buffer.alloc(32, 1), 4), rsaKeyFromSeed(Buffer.alloc(32, 1), 3)]
const addon = loadAddon('datdot_rsa') as Record<string, Call> | undefined

/** Values that are not what an argument should be. */
const hostile: unknown[] = [
  undefined,
  null,
  0,
  -1,
  NaN,
  1n,
  true,
  'text',
  Symbol('symbol'),
  {},
  [],
  () => 0,
  new Date(),
  new Proxy({}, {}),
  new ArrayBuffer(256),
  new DataView(new ArrayBuffer(256)),
  new Uint16Array(256),
  new Float64Array(64),
  new Uint8ClampedArray(256),
  Object.create({ key: 1 }),
  detached(256),
  new Uint8Array(0),
  new Uint8Array(255),
  new Uint8Array(257)
]

function detached(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  structuredClone(bytes, { transfer: [bytes.buffer] })
  return bytes
}

/** Whether the call is refused with one of the addon's codes, and nothing else happens. */
function isRefused(call: () => unknown): boolean {
  try {
    call()
  } catch (error) {
    const { code } = error as { code?: string }
    assert.ok(code === 'RSA_ARGUMENT' || code === 'RSA_KEY', String(error))
    return true
  }
  return false
}

test('the addon refuses whatever is not an argument of the right type and length', () => {
  assert.ok(addon !== undefined || rsaPaths().every((path) => path === 'bigint'))
  if (addon === undefined) return
  const names = [
    'privateKey',
    'publicKey',
    'modulus',
    'wipe',
    'seal',
    'open',
    'generate',
    'supports'
  ] as const
  const { privateKey, publicKey, modulus, wipe, seal, open, generate, supports } = addon as Record<
    (typeof names)[number],
    Call
  >
  const pair = keys[0]!
  const secret = privateKey(pair.secretKey.subarray(2))
  const open1 = publicKey(pair.publicKey)
  for (const value of hostile) {
    assert.ok(isRefused(() => privateKey(value)))
    assert.ok(isRefused(() => publicKey(value)))
    assert.ok(isRefused(() => wipe(value)))
    assert.ok(isRefused(() => modulus(value)))
    assert.ok(isRefused(() => generate(value, Buffer.alloc(256), Buffer.alloc(256))))
    assert.ok(isRefused(() => generate(Buffer.alloc(32), value, Buffer.alloc(256))))
    assert.ok(isRefused(() => generate(Buffer.alloc(32), Buffer.alloc(256), value)))
    assert.equal(supports(value), value === 0)
    assert.ok(isRefused(() => seal(value, Buffer.alloc(255), Buffer.alloc(256), 0)))
    assert.ok(isRefused(() => seal(secret, value, Buffer.alloc(512), 0)))
    assert.ok(isRefused(() => seal(secret, Buffer.alloc(510), value, 0)))
    assert.ok(isRefused(() => open(value, Buffer.alloc(256), Buffer.alloc(255), 0)))
    assert.ok(isRefused(() => open(open1, value, Buffer.alloc(510), 0)))
    assert.ok(isRefused(() => open(open1, Buffer.alloc(512), value, 0)))
    if (value !== 0) {
      assert.ok(isRefused(() => seal(secret, Buffer.alloc(255), Buffer.alloc(256), value)))
      assert.ok(isRefused(() => open(open1, Buffer.alloc(256), Buffer.alloc(255), value)))
    }
  }
  for (const call of names.map((name) => addon[name]!)) {
    assert.ok(isRefused(() => call()))
  }
  // A key for opening seals nothing, and a key of another addon's making is no key.
  assert.ok(isRefused(() => seal(open1, Buffer.alloc(255), Buffer.alloc(256), 0)))
  assert.ok(isRefused(() => seal(Object.create(secret as object), Buffer.alloc(255), Buffer.alloc(256), 0)))
  // Memory that overlaps would be read after it was written.
  const shared = Buffer.alloc(511)
  assert.ok(isRefused(() => seal(secret, shared.subarray(0, 255), shared.subarray(254, 510), 0)))
  assert.ok(isRefused(() => open(open1, shared.subarray(0, 256), shared.subarray(255, 510), 0)))
  // After all that it works as before.
  const sealed = Buffer.alloc(256)
  const opened = Buffer.alloc(255)
  seal(secret, Buffer.alloc(255, 3), sealed, 0)
  assert.equal(open(open1, sealed, opened, 0), -1)
  assert.deepEqual(opened, Buffer.alloc(255, 3))
})

test('eight threads at once, each with keys of its own, seal and open right', async () => {
  const plain = bytesFrom('threads', 255 * 40)
  const expected = keys.map(({ secretKey }) => {
    const sealed = Buffer.alloc(256 * 40)
    loadRsaPrivateKey(secretKey).seal(plain, sealed)
    return sealed
  })
  const threads = Array.from({ length: 8 }, (_, i) => {
    const { publicKey, secretKey } = keys[i % 2]!
    return new Promise<ThreadResult>((resolve, reject) => {
      const worker = new Worker(new URL('./rsa-thread.js', import.meta.url), {
        workerData: { publicKey, secretKey, plain, rounds: rsaPaths()[0] === 'bigint' ? 1 : 10 }
      })
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  })
  for (const [i, { sealed, opened }] of (await Promise.all(threads)).entries()) {
    assert.ok(expected[i % 2]!.equals(sealed), `thread ${i}`)
    assert.ok(plain.equals(opened), `thread ${i}`)
  }
})
