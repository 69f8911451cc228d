import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadAddon, nativeLevel } from '../../src/crypto/native.js'

type Call = (...values: unknown[]) => unknown

const names = ['groupValues', 'groupRoot', 'sliceSiblings', 'sliceRoots', 'chunkLeaves'] as const
const addon = loadAddon('datdot_blake3') as Record<(typeof names)[number], Call> | undefined

/** Values that are not what an argument should be. */
const hostile: unknown[] = [
  undefined,
  null,
  -1,
  1.5,
  NaN,
  Infinity,
  2 ** 32,
  1n,
  true,
  'text',
  Symbol('symbol'),
  {},
  [],
  () => 0,
  new Proxy(new Uint8Array(32), {}),
  new ArrayBuffer(64),
  new DataView(new ArrayBuffer(64)),
  new Uint16Array(16),
  new Float64Array(4),
  new Uint8ClampedArray(32),
  Object.create(new Uint8Array(32)),
  detached(new Uint8Array(32)),
  detached(new Uint32Array(1))
]

function detached<T extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(bytes: T): T {
  structuredClone(bytes, { transfer: [bytes.buffer] })
  return bytes
}

/** Good arguments of each call. */
function good(): Record<(typeof names)[number], unknown[]> {
  const one = () => Uint32Array.of(0)
  const values = () => new Uint8Array(64)
  return {
    groupValues: [new Uint8Array(20_000), 3, values()],
    groupRoot: [values(), 20_000, new Uint8Array(32)],
    sliceSiblings: [5, 20_000, values(), new Uint8Array(16_384), new Uint8Array(5 * 32)],
    sliceRoots: [new Uint8Array(1_024 + 32), one(), one(), Uint32Array.of(2_000), new Uint8Array(32)],
    chunkLeaves: [
      new Uint8Array(200),
      one(),
      136,
      Uint32Array.of(1_000),
      new Uint8Array(32),
      new Uint8Array(40)
    ]
  }
}

test('the addon refuses whatever is not an argument of the right type and length', () => {
  assert.ok(addon !== undefined || nativeLevel() === 'off')
  if (!addon) return
  for (const name of names) {
    addon[name](...good()[name])
    const count = good()[name].length
    for (let at = 0; at < count; at++) {
      assert.throws(() => addon[name](...good()[name].slice(0, at)), TypeError)
      for (const value of hostile) {
        const values = good()[name].with(at, value)
        assert.throws(() => addon[name](...values), TypeError, `${name}, argument ${at}: ${typeof value}`)
      }
      const argument = good()[name][at]
      // A piece of a body may have any number of bytes.
      if (!ArrayBuffer.isView(argument) || (name === 'groupValues' && at === 0)) continue
      const { buffer, byteLength } = argument
      const unit = argument instanceof Uint32Array ? 4 : 1
      const fewer = name === 'chunkLeaves' && at === 0 ? 135 : byteLength - 1
      const shorter = unit === 4 ? new Uint32Array(0) : new Uint8Array(buffer, 0, fewer)
      const longer = unit === 4 ? new Uint32Array(2) : new Uint8Array(byteLength + 1)
      assert.throws(() => addon[name](...good()[name].with(at, shorter)), TypeError, `${name}, ${at} shorter`)
      // More bytes than are needed are no fault of an input that slices and headers lie somewhere in.
      const somewhere = at === 0 && (name === 'sliceRoots' || name === 'chunkLeaves')
      if (!somewhere) {
        assert.throws(() => addon[name](...good()[name].with(at, longer)), TypeError, `${name}, ${at} longer`)
      }
    }
  }
})
