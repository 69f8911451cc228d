import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
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

test('the C core of slices touches no byte that is not its own', () => {
  const native = fileURLToPath(new URL('../../../native/', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'datdot-slices-'))
  const program = join(folder, 'selftest')
  const listed = (what: string) =>
    spawnSync(process.execPath, ['sources.mjs', what], { cwd: native, encoding: 'utf8' }).stdout.split('\n')
  const own = ['blake3/selftest.c', 'blake3/slices.c']
  // Sanitizers do not see into assembly: once as it is used, once with nothing but C.
  const portable = ['SSE2', 'SSE41', 'AVX2', 'AVX512'].map((name) => `-DBLAKE3_NO_${name}`)
  const builds = [
    listed('sources'),
    [
      ...portable,
      '-DBLAKE3_USE_NEON=0',
      ...listed('sources').filter((name) => /(blake3|dispatch|portable)\.c$/.test(name))
    ]
  ]
  try {
    for (const build of builds) {
      const flags = ['-std=c11', '-Wall', '-Wextra', '-O1', '-o', program, '-I', listed('folder')[0]!]
      const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-g']
      const compile = (extra: string[]) =>
        spawnSync(process.env.CC ?? 'cc', [...flags, ...extra, ...own, ...build], {
          cwd: native,
          encoding: 'utf8'
        })
      // A compiler without its sanitizer libraries still shows that the results are right.
      const built = compile(sanitizers).status === 0 ? undefined : compile([])
      assert.equal(built?.status ?? 0, 0, built?.stderr)
      const lengths = [
        0, 1, 64, 1_023, 1_024, 1_025, 2_049, 16_384, 16_385, 33_000, 65_792, 262_145, 15_790_336
      ]
      const run = spawnSync(program, lengths.map(String), {
        encoding: 'utf8',
        env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' }
      })
      assert.equal(run.status, 0, run.stdout + run.stderr)
      assert.equal(run.stdout, `${lengths.length} lengths\n`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
