import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as idEncoding from 'hypercore-id-encoding'
import { findSamples, samplesOf } from '../helpers/scan.js'
import { openSqlite } from '../../src/sqlite.js'

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

/** Random, so that no compression in a store can hide plain text. Some names have spaces or other alphabets. */
const FILES: Record<string, Buffer> = {
  'plain.bin': randomBytes(1_500_000),
  'a name with spaces.dat': randomBytes(70_000),
  'Übergröße/naïve façade.bin': randomBytes(300_000),
  '数据/点 😀.bin': randomBytes(65_536),
  'deep/er/and/deeper.bin': randomBytes(1),
  // Beside the same name without it.
  '\ufeffplain.bin': randomBytes(70_000),
  'empty file': Buffer.alloc(0)
}
const LINKS: Record<string, string> = {
  'link to a file': 'plain.bin',
  'deep/dangling': '../nowhere',
  'link to a folder': 'Übergröße',
  'link to a mark': '\ufeffplain.bin'
}

interface Json {
  ok: boolean
  driveKey: string
  chainKey: string
  copies: Record<string, unknown>[]
  challenges: Record<string, { passed: number; failed: number }>
  tokens: Record<string, string>
  consumer: { files: number; bytes: number; identical: boolean; mbPerSecond: number }
  dataDir: string
  bootstrap: { host: string; port: number }[]
  problems: unknown[]
}

suite('a run of datdot up on random data', () => {
  const root = mkdtempSync(join(tmpdir(), 'datdot-test-'))
  const source = join(root, 'source')
  const data = join(root, 'data')
  after(() => rmSync(root, { recursive: true, force: true }))

  let stdout = ''
  let json: Json
  before(() => {
    for (const [name, bytes] of Object.entries(FILES)) {
      mkdirSync(dirname(join(source, name)), { recursive: true })
      writeFileSync(join(source, name), bytes)
    }
    for (const [name, target] of Object.entries(LINKS)) symlinkSync(target, join(source, name))
    // Lies in the source and must not become part of the drive.
    spawnSync('mkfifo', [join(source, 'fifo')])
    const args = ['up', source, '--once', '--json', '--data', data, '--codec', 'wrap']
    const run = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', timeout: 480_000 })
    assert.equal(run.status, 0, run.stderr + run.stdout)
    assert.match(run.stderr, /^warning: [^\n]*fifo is left out[^\n]*\n$/)
    stdout = run.stdout
    json = JSON.parse(stdout) as Json
  })

  test('prints one JSON object and nothing else', () => {
    assert.equal(stdout.split('\n').length, 2)
    assert.ok(stdout.endsWith('}\n'))
  })

  test('the object has exactly the fields that were promised, and all of it holds', () => {
    const fields = 'ok driveKey chainKey copies challenges tokens consumer dataDir bootstrap problems'.split(
      ' '
    )
    assert.deepEqual(Object.keys(json), fields)
    assert.equal(json.ok, true)
    assert.deepEqual(json.problems, [])
    assertKey(json.driveKey)
    assertKey(json.chainKey)
    assert.equal(json.dataDir, data)
    assert.ok(json.bootstrap.length > 0)
    for (const node of json.bootstrap) {
      assert.deepEqual(Object.keys(node), ['host', 'port'])
      assert.equal(node.host, '127.0.0.1')
      assert.ok(Number.isInteger(node.port))
    }
  })

  test('each of the two hypercores has two copies with pinners, signers and roots of their own', () => {
    assert.equal(json.copies.length, 4)
    const fields = 'hypercore pinner signer codec chunks bytes root'.split(' ')
    for (const copy of json.copies) {
      assert.deepEqual(Object.keys(copy), fields)
      for (const name of ['hypercore', 'pinner', 'signer']) assertKey(copy[name])
      assert.match(String(copy.root), /^[0-9a-f]{64}$/)
      assert.equal(copy.codec, 'wrap')
      assert.ok(Number.isInteger(copy.chunks) && Number(copy.chunks) > 0)
      assert.ok(Number.isInteger(copy.bytes) && Number(copy.bytes) > 0)
    }
    const hypercores = new Set(json.copies.map(({ hypercore }) => hypercore))
    assert.equal(hypercores.size, 2)
    assert.ok(hypercores.has(json.driveKey))
    for (const hypercore of hypercores) {
      const copies = json.copies.filter((copy) => copy.hypercore === hypercore)
      for (const name of ['pinner', 'signer', 'root']) {
        assert.equal(new Set(copies.map((copy) => copy[name])).size, 2, `two copies share a ${name}`)
      }
    }
  })

  test('every copy passed challenges and checks, and none failed a storage challenge', () => {
    assert.deepEqual(Object.keys(json.challenges), ['storage', 'retrieval'])
    for (const tally of Object.values(json.challenges)) {
      assert.deepEqual(Object.keys(tally), ['passed', 'failed'])
      assert.ok(tally.passed >= json.copies.length)
    }
    assert.equal(json.challenges.storage?.failed, 0)
  })

  test('amounts are decimal strings; tokens were minted and burned, and all accounts sum to nothing', () => {
    assert.deepEqual(Object.keys(json.tokens), ['minted', 'burned', 'sum'])
    for (const amount of Object.values(json.tokens)) assert.match(amount, /^\d+$/)
    assert.ok(BigInt(json.tokens.minted!) > 0n)
    assert.ok(BigInt(json.tokens.burned!) > 0n)
    assert.equal(json.tokens.sum, '0')
  })

  test('the consumer read every file, the empty one too, and links', () => {
    const { files, bytes, identical, mbPerSecond } = json.consumer
    assert.deepEqual(Object.keys(json.consumer), ['files', 'bytes', 'identical', 'mbPerSecond'])
    assert.equal(files, Object.keys(FILES).length)
    assert.equal(
      bytes,
      Object.values(FILES).reduce((sum, { byteLength }) => sum + byteLength, 0)
    )
    assert.equal(identical, true)
    assert.ok(mbPerSecond > 0)
    const out = join(data, 'consumer', 'files')
    for (const [name, plain] of Object.entries(FILES)) assert.deepEqual(readFileSync(join(out, name)), plain)
    const read = readdirSync(out, { recursive: true, withFileTypes: true })
    assert.equal(read.filter((entry) => !entry.isDirectory()).length, files)
  })

  test('the ledger is read by SQLite, and its accounts sum to nothing', () => {
    const ledger = openSqlite(join(data, 'chain', 'ledger.db'), { readonly: true })
    try {
      assert.equal(ledger.pragma('journal_mode', { simple: true }), 'wal')
      const sum = ledger.prepare('SELECT sum(balance) FROM accounts').safeIntegers().pluck().get()
      const most = ledger.prepare('SELECT max(balance) FROM accounts').safeIntegers().pluck().get() as bigint
      assert.ok(most > 0n)
      assert.equal(sum, 0n)
    } finally {
      ledger.close()
    }
  })

  test('datdot audit replays the whole ledger and agrees', () => {
    const ledger = join(data, 'chain', 'ledger.db')
    const audit = spawnSync(process.execPath, [MAIN, 'audit', ledger], { encoding: 'utf8' })
    assert.equal(audit.status, 0, audit.stderr + audit.stdout)
  })

  test('no pinner has a sample of the plain blobs on disk, while author and consumer have all', async () => {
    const samples = Object.values(FILES)
      .filter(({ byteLength }) => byteLength > 1000)
      .flatMap((plain, i) => samplesOf(plain, 40, `file ${i}`))
    for (const role of ['author', 'consumer']) {
      const found = await findSamples(join(data, role), samples)
      const distinct = new Set(found.map(({ sample }) => sample.toString('hex')))
      // A sample that lies across two blocks is not in one piece in a store.
      assert.ok(distinct.size >= samples.length * 0.9, `${role}: ${distinct.size} of ${samples.length}`)
    }
    const pinners = readdirSync(data).filter((name) => name.startsWith('pinner-'))
    assert.equal(pinners.length, 4)
    for (const name of pinners) assert.deepEqual(await findSamples(join(data, name), samples), [])
  })

  test('a second run into the same folder is refused and changes nothing', () => {
    const before = readdirSync(data).sort()
    const args = ['up', source, '--once', '--data', data]
    const run = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
    assert.equal(run.status, 2)
    assert.match(run.stderr, /earlier network[^\n]*\[DATA_HOLDS_NETWORK\]\n$/)
    assert.deepEqual(readdirSync(data).sort(), before)
  })
})

/** z-base-32 of 32 bytes. */
function assertKey(value: unknown): void {
  assert.match(String(value), /^[ybndrfg8ejkmcpqxot1uwisza345h769]{52}$/)
  assert.equal(idEncoding.decode(String(value)).byteLength, 32)
}
