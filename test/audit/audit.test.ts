import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { auditLog } from '../../src/audit/replay.js'
import { auditFile } from '../../src/audit/file.js'
import { verifyDraw } from '../../src/audit/draw.js'
import { hash } from '../../src/crypto/hash.js'
import { openSqlite } from '../../src/sqlite.js'
import { equal } from '../../src/bytes.js'
import { smallNetwork, type TestNetwork } from '../ledger/network.js'
import { closeAfter } from '../helpers/close-after.js'

/** A ledger with two hypercores, lost and kept copies, all kinds of outcomes; closed. */
function lived(t: TestContext): TestNetwork {
  const network = smallNetwork({ failuresMax: 2 })
  closeAfter(t, () => network.close())
  network.sponsor('film')
  for (let n = 0; n < 90; n++) {
    network.tick()
    if (n === 20) network.sponsor('book', { copies: 1 })
    const pinner = network.ledger.copy(0)?.pinner
    network.work({
      outcome: (challenge) =>
        n > 30 && n < 75 && pinner && equal(pinner, challenge.pinner)
          ? n % 4
            ? 'failure'
            : 'silent'
          : 'success'
    })
  }
  const { storage } = network.ledger.summary()
  assert.ok(storage.failure + storage.offline >= 2 && storage.success > 5)
  assert.equal(network.ledger.copy(0)!.state, 'lost')
  return network
}

/** Changes a ledger's file behind its back. */
function tamper(network: TestNetwork, sql: string): void {
  const db = openSqlite(network.path)
  db.pragma('foreign_keys = OFF')
  db.exec(sql)
  db.close()
}

test('an honest ledger is found to hold, from its file and from its published entries', async (t) => {
  const network = lived(t)
  const report = await auditFile(network.path)
  assert.equal(report.failure, null)
  assert.equal(report.entries, network.ledger.length())
  assert.ok(report.draws >= 3 && report.settled > 5)
  assert.deepEqual(report.stateHash, network.ledger.stateHash())
  const followed = await auditLog(network.ledger.entries(0, 10_000), { chainKey: network.chain.publicKey })
  assert.deepEqual({ ...followed, stateHash: null }, { ...report, stateHash: null })
  assert.deepEqual(followed.stateHash, report.stateHash)
})

/** What the `sqlite3` program prints; where it is not installed, what the same SQLite in Node does. */
function sqlite3(path: string, sql: string): string {
  try {
    return execFileSync('sqlite3', [path, sql], { encoding: 'utf8' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const db = openSqlite(path, { readonly: true })
    const rows = db.prepare(sql).raw().all() as unknown[][]
    db.close()
    return rows.map((row) => row.join('|') + '\n').join('')
  }
}

test('the sqlite3 program finds the file whole', (t) => {
  const network = lived(t)
  network.ledger.close()
  assert.equal(sqlite3(network.path, 'PRAGMA integrity_check'), 'ok\n')
  assert.equal(sqlite3(network.path, 'PRAGMA foreign_key_check'), '')
  assert.equal(sqlite3(network.path, 'SELECT sum(balance) FROM accounts'), '0\n')
  assert.equal(sqlite3(network.path, 'SELECT sum(change) FROM postings'), '0\n')
  network.ledger = { close() {} } as TestNetwork['ledger']
})

const forgeries: [what: string, sql: string, code: string, seq: number | null][] = [
  ['a balance', 'UPDATE accounts SET balance = balance + 1 WHERE id = 5', 'STATE_DIFFERS', null],
  ['a reputation', 'UPDATE roles SET alpha = alpha + 1 WHERE id = 1', 'STATE_DIFFERS', null],
  ['a root', 'UPDATE segments SET root = zeroblob(32) WHERE copy = 1', 'STATE_DIFFERS', null],
  [
    'a posting',
    'UPDATE postings SET change = change + 1 WHERE (seq, account) = (SELECT seq, account FROM postings WHERE seq > 5 LIMIT 1)',
    'POSTINGS_DIFFER',
    null
  ],
  ['a missing posting', 'DELETE FROM postings WHERE seq = 0 AND account = 6', 'POSTINGS_DIFFER', null],
  ['an effect', 'UPDATE effects SET bytes = zeroblob(9) WHERE seq = 20', 'EFFECTS_DIFFER', null],
  [
    'a signature',
    "UPDATE entries SET operation = CAST(substr(operation, 1, length(operation) - 1) || x'ff' AS BLOB) WHERE seq = 14",
    'SIGNATURE_WRONG',
    14
  ],
  ['an operation', "UPDATE entries SET operation = x'00' WHERE seq = 14", 'OPERATION_UNKNOWN', 14],
  ['a hash', 'UPDATE entries SET hash = zeroblob(32) WHERE seq = 30', 'ENTRY_HASH', 30],
  ['an effects hash', 'UPDATE entries SET effects_hash = zeroblob(32) WHERE seq = 30', 'EFFECTS_DIFFER', 30],
  ['a time', 'UPDATE entries SET at = at + 1 WHERE seq = 30', 'ENTRY_TIME', 30],
  ['a chain time', 'UPDATE entries SET clock = clock + 1 WHERE seq = 30', 'ENTRY_TIME', 30],
  ['a chain time that goes back', 'UPDATE entries SET clock = 0 WHERE seq = 30', 'TIME_BACKWARDS', 30],
  [
    'a tick before its round begins',
    'UPDATE entries SET clock = clock - 1, arrived = arrived - 1 WHERE seq = 20',
    'BEACON_ROUND',
    20
  ],
  [
    'an arrival before a tick that had all until then',
    'UPDATE entries SET arrived = arrived - 1 WHERE seq = 24',
    'ARRIVED_WRONG',
    24
  ],
  ['an arrival that is missing', 'UPDATE entries SET arrived = NULL WHERE seq = 24', 'ARRIVED_WRONG', 24],
  ['an arrival that nobody waits for', 'UPDATE entries SET arrived = 0 WHERE seq = 10', 'ARRIVED_WRONG', 10],
  ['a version of the rules', 'UPDATE entries SET rules = 2 WHERE seq = 30', 'RULES_UNKNOWN', 30],
  [
    'another beginning',
    'UPDATE entries SET operation = (SELECT operation FROM entries WHERE seq = 1) WHERE seq = 0',
    'GENESIS_MISSING',
    0
  ],
  [
    'an entry beyond the end',
    `INSERT INTO entries (seq, at, clock, rules, operation, effects_hash, hash)
     SELECT 100000, at, clock, rules, operation, effects_hash, hash FROM entries WHERE seq = 3`,
    'ENTRY_GAP',
    null
  ],
  ['a removed entry', 'DELETE FROM entries WHERE seq = 25', 'ENTRY_ORDER', 25],
  ['a cut end', 'DELETE FROM entries WHERE seq > 60', 'FILE_DAMAGED', null]
]

test('every forgery is found, and the first entry that does not hold is named', async (t) => {
  const network = lived(t)
  network.ledger.close()
  for (const [what, sql, code, seq] of forgeries) {
    const copy = join(network.folder, `${what}.db`)
    const db = openSqlite(network.path)
    db.exec(`VACUUM INTO '${copy}'`)
    db.close()
    tamper({ path: copy } as TestNetwork, sql)
    const report = await auditFile(copy)
    assert.deepEqual([report.failure?.code, report.failure?.seq], [code, seq], what)
    assert.equal(report.ok, false)
  }
  network.ledger = { close() {} } as TestNetwork['ledger']
})

test('a log of which details were pruned still leads to the same state', async (t) => {
  const network = lived(t)
  network.at += 60_000
  network.tick()
  const { entries } = network.ledger.compact(Infinity)
  assert.ok(entries > 100)
  const state = network.ledger.stateHash()
  const report = await auditFile(network.path)
  assert.equal(report.failure, null)
  assert.ok(report.pruned > 5)
  assert.deepEqual(report.stateHash, state)
  assert.equal(network.ledger.effects(10), null)
})

test('a draw can be made again from the log, with everyone a lot fell on', async (t) => {
  const network = lived(t)
  for (const [id, role] of [
    [0, 'pinner'],
    [1, 'pinner'],
    [2, 'signer']
  ] as const) {
    const proof = await verifyDraw(network.ledger.entries(0, 10_000), id)
    const { beacon, seed, total, excluded, lots, ...view } = proof
    assert.deepEqual(view, network.ledger.draw(id))
    assert.equal(view.role, role)
    assert.deepEqual(beacon, network.ledger.beaconValue(view.round))
    assert.deepEqual(seed, hash('datdot/draw/2', network.ledger.chainId, role, view.task, id, beacon))
    assert.deepEqual(
      lots.map(({ fits }) => fits),
      [...lots.slice(1).map(() => false), true]
    )
    assert.ok(lots.at(-1)!.key.equals(view.key))
    assert.ok(lots.every(({ key, weight }) => weight > 0 && !excluded.some((one) => one.equals(key))))
    assert.ok(total >= lots.reduce((sum, { weight }) => sum + weight, 0))
  }
  await assert.rejects(verifyDraw(network.ledger.entries(0, 10_000), 99), { code: 'DRAW_UNKNOWN' })
})

test('a draw of a log that does not hold is not made again, and the entry is named', async (t) => {
  const network = lived(t)
  const entries = network.ledger.entries(0, 10_000)
  const draw = network.ledger.draw(1)!
  assert.ok(draw)
  const broken = entries.with(3, entries[2]!)
  await assert.rejects(verifyDraw(broken, 1), {
    code: 'LOG_BROKEN',
    message: 'the log does not hold at entry 3: it says that it is entry 2'
  })
})

test('what is no ledger is refused as such', async (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  const text = join(network.folder, 'text.db')
  writeFileSync(text, 'no database at all, but long enough to look like a file of some kind\n'.repeat(30))
  await assert.rejects(auditFile(text), { code: 'LEDGER_NOT_A_LEDGER' })
  await assert.rejects(auditFile(join(network.folder, 'missing.db')), { code: 'LEDGER_NOT_FOUND' })
  assert.equal((await auditLog([])).failure?.code, 'LOG_EMPTY')
  assert.equal((await auditLog([Buffer.from('garbage')])).failure?.seq, 0)
})
