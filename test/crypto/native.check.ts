import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { rsaKeyFromSeed } from '../../src/crypto/rsa-key.js'
import { compile, selfTest } from '../helpers/compiler.js'
import { temporaryFolder } from '../helpers/folder.js'
import { SHORT } from '../helpers/form.js'
import { extremeKeys } from '../helpers/rsa-keys.js'

/** The C files of every path. */
const CORE = ['batch.c', 'key.c', 'generate.c', 'factor.c', 'portable.c', 'avx2.c', 'ifma.c']
/** Single-bit faults in the loaded key for each key and path, besides those in the highest limb of the modulus. */
const KEY_FAULTS = SHORT ? 30 : 100
const seed = Buffer.alloc(32, 1)
const extreme = SHORT ? extremeKeys().slice(2, 3) : extremeKeys()
const keys = [rsaKeyFromSeed(seed, 4), rsaKeyFromSeed(seed, 3), ...extreme]

test('the C core of RSA lets no fault in a prime, the key or the result out and touches no byte that is not its own', (t) => {
  const native = fileURLToPath(new URL('../../../native/rsa/', import.meta.url))
  const program = join(temporaryFolder(t), 'selftest')
  const sources = ['selftest.c', ...CORE].map((name) => join(native, name))
  const flags = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-O1', '-DDATDOT_RSA_FAULTS']
  compile([...flags, '-o', program, ...sources])
  const primes = keys.map(({ secretKey }) => Buffer.from(secretKey).toString('hex', 2))
  assert.match(selfTest(program, [String(KEY_FAULTS), ...primes]), /^portable\n(avx2\n)?(ifma\n)?$/)
})
