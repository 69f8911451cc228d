import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import Corestore from 'corestore'
import { encode } from 'hypercore-id-encoding'
import Hyperswarm from 'hyperswarm'
import { opened, using } from '../../src/lifecycle.js'
import { silentLogger } from '../../src/log.js'
import type { Statement } from '../../src/protocol/operations.js'
import { ReceiptFile } from '../../src/client/receipt-file.js'
import { ChainLog } from '../../src/chain/published-log.js'
import { audit } from '../../src/cli/audit.js'
import type { Command } from '../../src/cli/command.js'
import { verifyDrawCommand } from '../../src/cli/verify-draw.js'
import { createDht, PrivateDht } from '../../src/swarm/dht.js'
import { openSqlite } from '../../src/sqlite.js'
import { identity, smallNetwork, type TestNetwork } from '../ledger/network.js'
import { equal } from '../../src/bytes.js'
import { closeAfter } from '../helpers/close-after.js'

function lived(t: TestContext): TestNetwork {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  network.sponsor('film')
  for (let n = 0; n < 30; n++) {
    network.tick()
    network.work()
  }
  return network
}

async function run(
  command: Command,
  args: string[],
  cwd = '/'
): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const code = await command.run(args, { stdout, stderr, cwd, signal: new AbortController().signal })
  stdout.end()
  stderr.end()
  return { code, out: await text(stdout), err: await text(stderr) }
}

test('audit reports on the ledger in a data folder, for people and as JSON', async (t) => {
  const network = lived(t)
  mkdirSync(join(network.folder, 'chain'))
  network.ledger.close()
  renameSync(network.path, join(network.folder, 'chain', 'ledger.db'))
  network.ledger = { close() {} } as TestNetwork['ledger']
  const said = await run(audit, [], network.folder)
  assert.equal(said.code, 0)
  assert.match(said.out, /all of it holds\n$/)
  const json = await run(audit, [network.folder, '--json'])
  const report = JSON.parse(json.out) as { ok: boolean; sum: string; draws: number; chainKey: string }
  assert.deepEqual(
    [report.ok, report.sum, report.draws, report.chainKey],
    [true, '0', 4, encode(network.chain.publicKey)]
  )
  const draw = await run(verifyDrawCommand, ['1'], network.folder)
  assert.equal(draw.code, 0)
  assert.match(draw.out, /draw 1: a pinner for task 1/)
  await assert.rejects(run(verifyDrawCommand, ['7'], network.folder), {
    code: 'DRAW_UNKNOWN',
    name: 'InputError'
  })
})

test('audit fails on a ledger that was changed, and says where', async (t) => {
  const network = lived(t)
  const db = openSqlite(network.path)
  db.exec('UPDATE entries SET at = at + 1 WHERE seq = 40')
  db.close()
  const said = await run(audit, [network.path])
  assert.equal(said.code, 1)
  assert.match(said.out, /does not hold: entry 40: .* \[ENTRY_TIME\]/)
  const draw = await run(verifyDrawCommand, ['0', '--ledger', network.path])
  assert.equal(draw.code, 0, 'the log holds up to the draw')
})

test('audit refuses what is no ledger as bad input', async (t) => {
  const network = lived(t)
  writeFileSync(join(network.folder, 'empty.db'), '')
  await assert.rejects(run(audit, ['nowhere']), { code: 'LEDGER_NOT_FOUND', name: 'InputError' })
  await assert.rejects(run(audit, [join(network.folder, 'empty.db')]), {
    code: 'LEDGER_NOT_A_LEDGER',
    name: 'InputError'
  })
  await assert.rejects(run(audit, ['a', 'b']), { code: 'OPTION_VALUE' })
  await assert.rejects(run(verifyDrawCommand, ['first']), { code: 'OPTION_VALUE' })
})

test('audit follows the log of a chain by its key', async (t) => {
  const ledger = lived(t)
  const dht = await opened(new PrivateDht())
  closeAfter(t, () => dht.close())
  const store = new Corestore(join(ledger.folder, 'cores'))
  const log = new ChainLog(store, ledger.chain, {
    entries: (from, limit) => Promise.resolve(ledger.ledger.entries(from, limit)),
    same: (published, committed) => equal(published, committed)
  })
  await log.ready()
  const swarm = new Hyperswarm({ dht: createDht(dht.network) })
  closeAfter(t, async () => {
    await swarm.destroy()
    await store.close()
  })
  swarm.on('connection', (connection) => {
    connection.on('error', () => {})
    store.replicate(connection)
  })
  await swarm.join(log.core.discoveryKey, { server: true, client: false }).flushed()
  const [{ host, port }] = dht.network.bootstrap as [{ host: string; port: number }]
  const said = await run(audit, [encode(ledger.chain.publicKey), '--bootstrap', `${host}:${port}`, '--json'])
  const report = JSON.parse(said.out) as { ok: boolean; entries: number; stateHash: string }
  assert.deepEqual(
    [said.code, report.ok, report.entries, report.stateHash],
    [0, true, ledger.ledger.length(), ledger.ledger.stateHash().toString('hex')]
  )
})

test('audit holds a ledger against receipts and a head that somebody kept', async (t) => {
  const network = lived(t)
  const receipt = network.send(network.supporter, transferTo('somebody'))
  const file = join(network.folder, 'receipts.jsonl')
  await using(new ReceiptFile({ path: file, log: silentLogger }), (kept) => kept.add(receipt))
  network.ledger.close()
  const head = Buffer.from(receipt.entry).toString('hex')
  const said = await run(audit, [network.path, '--structural', '--receipts', file, '--head', head])
  assert.equal(said.code, 0, said.out)
  assert.match(said.out, /receipts {4}1 are of entries that are there/)
  const other = await run(audit, [network.path, '--structural', '--head', '0'.repeat(64)])
  assert.equal(other.code, 1)
  assert.match(other.out, /HEAD_MISSING/)
  await assert.rejects(run(audit, [network.path, '--head', 'abc']), { code: 'OPTION_VALUE' })
  await assert.rejects(run(audit, [network.path, '--receipts', join(network.folder, 'none')]), {
    code: 'RECEIPTS_INVALID'
  })
  network.ledger = { close() {} } as TestNetwork['ledger']
})

function transferTo(name: string): Statement {
  return { kind: 'transfer', body: { to: identity(name).publicKey, amount: 1n } }
}
