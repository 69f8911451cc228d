import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Outcome } from '../../src/protocol/operations.js'
import { temporaryFolder } from '../helpers/folder.js'

/** What came of some hours. */
interface Lived {
  epoch: number
  entries: number
  state: string
  storage: Record<Outcome, number>
  retrieval: Record<Outcome, number>
  sum: string
}

const program = fileURLToPath(new URL('virtual-day.js', import.meta.url))

/** Lives through the hours in a process of its own; returns what it said, and the files that it wrote. */
async function live(
  t: TestContext,
  ledger: string,
  hours: number
): Promise<{ lived: Lived; log: Buffer; lines: string }> {
  const folder = temporaryFolder(t)
  const { stdout } = await promisify(execFile)(process.execPath, [program, folder, ledger, String(hours)])
  const read = (name: string): Buffer => readFileSync(join(folder, name))
  return { lived: JSON.parse(stdout) as Lived, log: read('log'), lines: read('lines').toString() }
}

/** Something happened in each hour, and nothing that should not. */
function busy({ epoch, entries, storage, retrieval, sum }: Lived, hours: number): void {
  assert.ok(epoch >= hours - 1)
  assert.ok(entries > 60 * hours)
  assert.ok(storage.success + storage.offline >= hours, JSON.stringify(storage))
  assert.ok(storage.success >= 0.5 * hours, JSON.stringify(storage))
  assert.ok(storage.offline >= 1, JSON.stringify(storage))
  assert.deepEqual([storage.lie, storage.failure, storage.unknown], [0, 0, 0])
  assert.ok(retrieval.success >= 0.75 * hours, JSON.stringify(retrieval))
  assert.equal(sum, '0')
}

/** Lives twice through the same hours, with the ledger in the chain's thread or as if it had one of its own. */
export async function liveTwice(t: TestContext, ledger: 'here' | 'elsewhere', hours: number): Promise<void> {
  const [one, other] = await Promise.all([live(t, ledger, hours), live(t, ledger, hours)])
  assert.equal(other.lines, one.lines)
  assert.ok(one.log.equals(other.log))
  assert.deepEqual(other.lived, one.lived)
  busy(one.lived, hours)
}
