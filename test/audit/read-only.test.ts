import assert from 'node:assert/strict'
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { auditFile } from '../../src/audit/file.js'
import type { AuditReport } from '../../src/audit/report.js'
import { smallNetwork } from '../ledger/network.js'
import { closeAfter } from '../helpers/close-after.js'

/** Any but root's, whom no permission stops. */
const SOMEBODY = 65_534
const isRoot = process.getuid?.() === 0

/** A folder whose files all may read and nobody may write. */
function readOnlyFolder(t: TestContext, from: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'datdot-readonly-'))
  cpSync(from, folder, { recursive: true })
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o444)
  chmodSync(folder, 0o555)
  closeAfter(t, () => {
    chmodSync(folder, 0o755)
    rmSync(folder, { recursive: true })
  })
  return folder
}

/** Audits as who is not the file's owner: as another user where this is root, else by permissions alone. */
async function auditAsStranger(
  t: TestContext,
  path: string
): Promise<{ report: AuditReport; left: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'datdot-stranger-'))
  closeAfter(t, () => rmSync(folder, { recursive: true }))
  chmodSync(folder, 0o777)
  const { TMPDIR } = process.env
  process.env.TMPDIR = folder
  if (isRoot) process.seteuid!(SOMEBODY)
  try {
    return { report: await auditFile(path), left: readdirSync(folder) }
  } finally {
    if (isRoot) process.seteuid!(0)
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  }
}

test('a ledger that was closed is audited by who may read it and may not write beside it', async (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  network.sponsor('film')
  network.tick(5)
  const length = network.ledger.length()
  network.reopen()
  network.ledger.close()
  const folder = readOnlyFolder(t, network.folder)
  network.reopen()
  const { report, left } = await auditAsStranger(t, join(folder, 'ledger.db'))
  assert.equal(report.failure, null)
  assert.equal(report.entries, length)
  assert.deepEqual(left, [], 'what was copied is gone')
})

test('so is one that its chain left without closing it, with what is not merged into it', async (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  network.sponsor('film')
  network.tick(5)
  const folder = readOnlyFolder(t, network.folder)
  chmodSync(folder, 0o755)
  rmSync(join(folder, 'ledger.db-shm'), { force: true })
  chmodSync(folder, 0o555)
  const { report } = await auditAsStranger(t, join(folder, 'ledger.db'))
  assert.equal(report.failure, null)
  assert.equal(report.entries, network.ledger.length())
})
