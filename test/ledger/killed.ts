import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { auditFile } from '../../src/audit/file.js'
import { Database } from '../../src/ledger/database.js'
import { temporaryFolder } from '../helpers/folder.js'

/** Writers at work at a time, each on a ledger of its own: most of the time goes by while they start. */
const WRITERS = 4
const WRITER = fileURLToPath(new URL('./kill-writer.js', import.meta.url))

/** Runs a writer until it has acknowledged a few batches, kills it in the middle of the next, returns what it said. */
async function killedWriter(path: string, at: number, batches: number, delayMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, path, String(at)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let problems = ''
  let killing = false
  child.stderr.on('data', (chunk: Buffer) => (problems += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    if (killing || said.split('\n').length <= batches) return
    killing = true
    setTimeout(() => child.kill('SIGKILL'), delayMs)
  })
  const [, signal] = (await once(child, 'close')) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL', problems)
  // A line that was cut by the kill was not acknowledged.
  return said.split('\n').slice(0, -1)
}

/** Kills chains at work, so many times in all: whatever was acknowledged is there after each, and the logs replay in the end. */
export async function killChains(t: TestContext, kills: number): Promise<void> {
  const folder = temporaryFolder(t)
  let killed = 0
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      const path = join(folder, `${writer}.db`)
      for (let n = 0; n < kills / WRITERS; n++) {
        const acknowledged = await killedWriter(
          path,
          1_700_000_000_000 + n * 600_000,
          1 + (n % 3),
          (n * 7) % 11
        )
        killed++
        const file = new Database(path, { readonly: true })
        for (const line of acknowledged) {
          const [seq, hash] = line.split(' ') as [string, string]
          const row = file.get('SELECT hash FROM entries WHERE seq = ?', Number(seq))
          const found = (row?.hash as Buffer | undefined)?.toString('hex')
          assert.equal(found, hash, `entry ${seq} after kill ${n}`)
        }
        file.close()
      }
      const report = await auditFile(path)
      assert.equal(report.failure, null)
      assert.ok(report.entries > kills)
    })
  )
  assert.equal(killed, kills)
}
