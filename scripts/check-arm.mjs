// Runs the self-test of the RSA core's portable path on 64-bit ARM: natively there, elsewhere compiled by a cross compiler
// and run by an emulator. Installs nothing: says what is missing.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rsaKeyFromSeed } from '../dist/src/crypto/rsa-key.js'
import { extremeKeys } from '../dist/test/helpers/rsa-keys.js'

const KEY_FAULTS = 100
const native = process.arch === 'arm64'
const compiler = process.env.CC_ARM ?? (native ? 'cc' : 'aarch64-linux-gnu-gcc')
const emulator = native ? undefined : (process.env.QEMU_ARM ?? 'qemu-aarch64')

for (const program of [compiler, emulator]) {
  if (program === undefined || spawnSync(program, ['--version']).status === 0) continue
  process.stderr.write(
    `check:arm: there is no ${program} here. On Debian and Ubuntu: apt-get install gcc-aarch64-linux-gnu ` +
      'libc6-dev-arm64-cross qemu-user. CC_ARM and QEMU_ARM name other programs.\n'
  )
  process.exit(1)
}

const folder = mkdtempSync(join(tmpdir(), 'datdot-arm-'))
try {
  const program = join(folder, 'selftest')
  const files = ['selftest.c', 'batch.c', 'key.c', 'generate.c', 'factor.c', 'portable.c', 'avx2.c', 'ifma.c']
  const sources = files.map((name) => fileURLToPath(new URL(`../native/rsa/${name}`, import.meta.url)))
  const flags = ['-std=gnu11', '-O3', '-Wall', '-Wextra', '-Werror', '-DDATDOT_RSA_FAULTS']
  run(compiler, [...(native ? [] : ['-static']), ...flags, '-o', program, ...sources])
  const keys = [
    rsaKeyFromSeed(Buffer.alloc(32, 1), 4),
    rsaKeyFromSeed(Buffer.alloc(32, 1), 3),
    ...extremeKeys()
  ]
  const primes = keys.map(({ secretKey }) => secretKey.subarray(2).toString('hex'))
  const paths = run(...(emulator ? [emulator, [program]] : [program, []]), [String(KEY_FAULTS), ...primes])
  process.stdout.write(`on arm64 (${emulator ?? 'this machine'}) ${keys.length} keys pass: ${paths}`)
} finally {
  rmSync(folder, { recursive: true })
}

/** Returns what the program wrote; ends this one if it failed. */
function run(program, args, more = []) {
  const result = spawnSync(program, [...args, ...more], { encoding: 'utf8' })
  if (result.status === 0) return result.stdout
  process.stderr.write(`check:arm: ${program} failed\n${result.stdout ?? ''}${result.stderr ?? ''}`)
  rmSync(folder, { recursive: true })
  process.exit(1)
}
