import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isSqliteError, openSqlite } from '../../src/sqlite.js'
import { StorageError, InputError } from '../../src/errors.js'
import { Database } from '../../src/ledger/database.js'
import { Ledger } from '../../src/ledger/ledger.js'
import { parameters } from '../../src/protocol/parameters.js'
import { temporaryFolder } from '../helpers/folder.js'
import { unprivileged } from '../helpers/unprivileged.js'
import { wallClock } from '../helpers/wall-clock.js'
import type { TestNetwork } from './network.js'
import { identity, smallNetwork } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

const clock = wallClock(() => 1_700_000_000_000)

/** A ledger with some entries, closed. */
function ledgerFile(t: TestContext): { path: string; network: TestNetwork } {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  network.sponsor('film')
  for (let n = 0; n < 20; n++) {
    network.tick()
    network.work()
  }
  network.ledger.close()
  return { path: network.path, network }
}

/** The error of ours, whose cause is SQLite's. */
function fails(work: () => unknown, code: string, sqlite?: RegExp): void {
  assert.throws(work, (error: unknown) => {
    assert.ok(error instanceof StorageError || error instanceof InputError, String(error))
    assert.equal(error.code, code, error.message)
    if (sqlite) {
      assert.ok(isSqliteError(error.cause))
      assert.match(error.cause.code, sqlite)
      assert.ok(error.message.includes(error.cause.message), 'what SQLite says is told')
    }
    return true
  })
}

test('a path without a ledger says so, whether the file or its folder is missing', (t) => {
  const folder = temporaryFolder(t)
  for (const path of [join(folder, 'none.db'), join(folder, 'no', 'folder', 'none.db')]) {
    fails(() => new Database(path, { readonly: true }), 'LEDGER_NOT_FOUND')
  }
  fails(() => new Database(join(folder, 'no', 'folder', 'none.db')), 'LEDGER_NOT_FOUND')
})

test('a folder, a text, another database and an empty file are no ledgers', (t) => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'folder'))
  writeFileSync(join(folder, 'text'), 'a text of more than a hundred bytes '.repeat(100))
  writeFileSync(join(folder, 'empty'), '')
  const other = openSqlite(join(folder, 'other'))
  other.exec('CREATE TABLE songs (name TEXT)')
  other.close()
  for (const name of ['folder', 'text', 'empty', 'other']) {
    fails(() => new Database(join(folder, name), { readonly: true }), 'LEDGER_NOT_A_LEDGER')
  }
})

test('a ledger of a newer version is not opened', (t) => {
  const { path } = ledgerFile(t)
  const raw = openSqlite(path)
  raw.pragma('user_version = 99')
  raw.close()
  for (const readonly of [true, false]) fails(() => new Database(path, { readonly }), 'LEDGER_TOO_NEW')
})

test("a ledger is not opened with another chain's key", (t) => {
  const { path, network } = ledgerFile(t)
  fails(() => Ledger.open({ path, keyPair: identity('another'), clock }), 'LEDGER_FOREIGN')
  Ledger.open({ path, keyPair: network.chain, clock }).close()
})

test('a ledger that was opened without key or beacon writes nothing, and tells of no checks', (t) => {
  const { path, network } = ledgerFile(t)
  fails(() => Ledger.open({ path: join(dirname(path), 'none.db'), clock }), 'LEDGER_NOT_FOUND')
  const genesis = {
    name: 'test',
    parameters: parameters(),
    beacon: { commitment: network.beacon.commitment(), length: network.beacon.length },
    allocations: []
  }
  assert.throws(() => Ledger.open({ path: ':memory:', genesis, clock }), { code: 'KEY_MISSING' })
  const bare = Ledger.open({ path, clock })
  closeAfter(t, () => bare.close())
  assert.throws(() => bare.tick(), { code: 'BEACON_MISSING' })
  assert.throws(() => bare.checks(identity('verifier-1').publicKey, 0), { code: 'BEACON_MISSING' })
  assert.throws(() => bare.changeParameters(parameters()), { code: 'KEY_MISSING' })
})

test('a ledger that may not be read or written says so', async (t) => {
  const { path } = ledgerFile(t)
  const folder = dirname(path)
  chmodSync(folder, 0o755)
  chmodSync(path, 0o000)
  await unprivileged(() => fails(() => new Database(path, { readonly: true }), 'LEDGER_DENIED'))
  chmodSync(path, 0o444)
  await unprivileged(() => fails(() => new Database(path), 'LEDGER_DENIED'))
})

test('a ledger that another process has locked says so', (t) => {
  const { path } = ledgerFile(t)
  const other = openSqlite(path)
  closeAfter(t, () => other.close())
  const database = new Database(path, { busyMs: 10 })
  closeAfter(t, () => database.close())
  other.exec('BEGIN IMMEDIATE')
  fails(() => database.transaction(() => {}), 'LEDGER_IN_USE', /^SQLITE_BUSY/)
  other.exec('ROLLBACK')
  database.transaction(() => {})
})

test('a full disk says so, refuses nobody, and leaves the ledger as it was', (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  const { raw } = network.ledger.state.db
  const standing = (): unknown => [network.ledger.chain(), network.ledger.stateHash()]
  const before = standing()
  const pages = raw.pragma('page_count', { simple: true }) as bigint
  raw.pragma(`max_page_count = ${pages}`)
  let wires = 0
  fails(
    () => {
      for (; wires < 10_000; wires++) network.sponsor(`film ${wires}`, {}, 1_000n)
    },
    'LEDGER_DISK_FULL',
    /^SQLITE_FULL$/
  )
  const full = standing()
  raw.pragma('max_page_count = 1000000')
  assert.deepEqual(standing(), full)
  network.sponsor(`film ${wires}`, {}, 1_000n)
  assert.notDeepEqual(standing(), before)
})

test('a disk that does not give back what was written says so', (t) => {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  network.sponsor('film')
  const reader = new Database(network.path, { readonly: true })
  closeAfter(t, () => reader.close())
  reader.raw.exec('BEGIN')
  assert.ok(reader.get('SELECT 1 FROM sqlite_schema'))
  truncateSync(`${network.path}-wal`, 32)
  fails(() => reader.all('SELECT * FROM entries'), 'LEDGER_DISK_FAILED', /^SQLITE_IOERR_SHORT_READ$/)
})

test('a damaged ledger says so', (t) => {
  const { path, network } = ledgerFile(t)
  const bytes = readFileSync(path)
  bytes.fill(0xff, 4096, bytes.byteLength)
  writeFileSync(path, bytes)
  fails(() => Ledger.open({ path, keyPair: network.chain, clock }), 'LEDGER_DAMAGED', /^SQLITE_CORRUPT/)
})

test('what SQLite fails with for another reason is told as not known', (t) => {
  const { path, network } = ledgerFile(t)
  const raw = openSqlite(path)
  raw.pragma('foreign_keys = OFF')
  raw.exec('DROP TABLE entries')
  raw.close()
  const open = (): unknown => Ledger.open({ path, keyPair: network.chain, clock })
  fails(open, 'LEDGER_FAILED', /^SQLITE_ERROR$/)
  assert.throws(open, /it is not known why: no such table/)
})
