import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'

const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-g']

/**
 * Compiles C files into a program that ends at the first byte that is not its own and at the first undefined operation; a compiler
 * without its sanitizer libraries makes one that still shows whether the results are right.
 */
export function compile(
  args: string[],
  { plain = false, ...options }: { cwd?: string; /** Without sanitizers. */ plain?: boolean } = {}
): void {
  const build = (extra: string[]) =>
    spawnSync(process.env.CC ?? 'cc', [...extra, ...args], { encoding: 'utf8', ...options })
  if (!plain && build(SANITIZERS).status === 0) return
  const { status, stderr, error } = build([])
  assert.equal(status, 0, error?.message ?? stderr)
}

/** Runs a compiled self-test to its end; returns what it printed. */
export function selfTest(program: string, args: string[]): string {
  const env = { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' }
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env })
  assert.equal(status, 0, stdout + stderr)
  return stdout
}
