import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InputError } from '../src/errors.js'
import { BENCH_VERSION, type BenchResult, type Row } from './harness.js'
import { idOf } from './compare.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Another commit, compiled in a folder of its own. */
export interface OtherCommit {
  /** Runs suites once there, or here. */
  run: (where: 'there' | 'here', args: readonly string[]) => BenchResult
  remove: () => void
}

/**
 * Checks out and compiles another commit beside this one, with the packages and native parts of this one.
 *
 * @throws InputError OPTION_VALUE if there is no such commit, or it does not compile or knows no `datdot bench`
 */
export function otherCommit(ref: string): OtherCommit {
  const dir = mkdtempSync(join(tmpdir(), 'datdot-against-'))
  const there = join(dir, 'checkout')
  const remove = (): void => {
    spawnSync('git', ['worktree', 'remove', '--force', there], { cwd: root })
    rmSync(dir, { recursive: true, force: true })
  }
  const refuse = (why: string, cause?: unknown): InputError =>
    new InputError('OPTION_VALUE', `--against ${ref}: ${why}`, { cause })
  try {
    execFileSync('git', ['worktree', 'add', '--detach', there, ref], { cwd: root, stdio: 'pipe' })
  } catch (error) {
    remove()
    throw refuse('there is no such commit in a checkout of datdot here', error)
  }
  try {
    symlinkSync(join(root, 'node_modules'), join(there, 'node_modules'))
    cpSync(join(root, 'native/build'), join(there, 'native/build'), { recursive: true })
    execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: there, stdio: 'pipe' })
  } catch (error) {
    remove()
    throw refuse('it does not compile with the packages that are installed', error)
  }
  const run: OtherCommit['run'] = (where, args) => {
    const json = join(dir, 'result.json')
    rmSync(json, { force: true })
    const main = join(where === 'there' ? there : root, 'dist/src/cli/main.js')
    const { status, stderr } = spawnSync(process.execPath, [main, 'bench', ...args, '--json', json], {
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe']
    })
    if (status !== 0) throw refuse(`datdot bench fails ${where}: ${stderr.trim().split('\n').at(-1) ?? ''}`)
    const result = JSON.parse(readFileSync(json, 'utf8')) as BenchResult
    if (result.version !== BENCH_VERSION) throw refuse(`its rows have version ${String(result.version)}`)
    return result
  }
  return { run, remove }
}

/** Several results of one commit as one: medians over all of their runs. */
export function merged(results: readonly BenchResult[]): BenchResult {
  const rows = new Map<string, Row[]>()
  for (const { results: some } of results) {
    for (const row of some) rows.set(idOf(row), [...(rows.get(idOf(row)) ?? []), row])
  }
  return {
    ...results[0]!,
    rounds: results.reduce((sum, { rounds }) => sum + rounds, 0),
    results: [...rows.values()].map((same) => {
      const rates = same.map(({ chunksPerSecond }) => chunksPerSecond)
      const ops = same.flatMap(({ opsPerSecond }) => opsPerSecond ?? [])
      const cpu = same.flatMap(({ cpuMsPerMB }) => cpuMsPerMB ?? [])
      return {
        ...same[0]!,
        chunksPerSecond: middle(rates),
        ...(ops.length > 0 && { opsPerSecond: middle(ops) }),
        ...(cpu.length > 0 && { cpuMsPerMB: middle(cpu) }),
        // Runs of one process are alike; what tells noise is how processes differ.
        samples: ops.length > 0 ? ops : rates,
        ...(cpu.length > 0 && { cpuSamples: cpu })
      }
    })
  }
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}
