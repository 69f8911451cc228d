import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Corestore from 'corestore'
import { ChainLog, type EntrySource } from '../../src/chain/published-log.js'
import { followLog } from '../../src/client/published-log.js'
import { chainCoreKey } from '../../src/client/chain-cores.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { equal } from '../../src/bytes.js'
import { closeAfter } from '../helpers/close-after.js'

const keyPair = keyPairFromSeed(Buffer.alloc(32, 7))

function ledger(count: number, salt = ''): EntrySource & { add(count: number): void } {
  const all: Buffer[] = []
  const add = (more: number): void => {
    for (let i = 0; i < more; i++) all.push(Buffer.from(`entry ${all.length}${salt}`))
  }
  add(count)
  return {
    add,
    entries: (from, limit) => Promise.resolve(all.slice(from, from + limit)),
    same: (published, committed) => equal(published, committed)
  }
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'datdot-log-'))
  closeAfter(t, () => rm(path, { recursive: true, force: true }))
  return path
}

async function open(path: string, source: EntrySource): Promise<{ store: Corestore; log: ChainLog }> {
  const store = new Corestore(path)
  const log = new ChainLog(store, keyPair, source)
  try {
    await log.ready()
  } catch (error) {
    await store.close()
    throw error
  }
  return { store, log }
}

async function collect(entries: AsyncIterable<Buffer>, count = Infinity): Promise<string[]> {
  const out: string[] = []
  for await (const entry of entries) if (out.push(entry.toString()) >= count) break
  return out
}

test('a log holds the committed entries under a key that anyone derives from the chain key', async (t) => {
  const source = ledger(2500)
  const { store, log } = await open(await folder(t), source)
  closeAfter(t, () => store.close())
  assert.equal(log.core.length, 2500)
  assert.deepEqual(log.core.key, chainCoreKey(keyPair.publicKey, 'log'))
  assert.notDeepEqual(chainCoreKey(keyPair.publicKey, 'log'), chainCoreKey(keyPair.publicKey, 'evidence'))
  source.add(3)
  await Promise.all([log.publish(), log.publish()])
  assert.equal((await log.core.get(2502))?.toString(), 'entry 2502')
})

test('a log that lags behind its ledger after a crash is extended when it opens', async (t) => {
  const path = await folder(t)
  const first = await open(path, ledger(10))
  await first.log.close()
  await first.store.close()
  const { store, log } = await open(path, ledger(25))
  closeAfter(t, () => store.close())
  assert.deepEqual(await collect(followLog(log.core)), names(25))
})

test('a log that holds what its ledger does not is refused', async (t) => {
  const path = await folder(t)
  const first = await open(path, ledger(10))
  await first.store.close()
  await assert.rejects(open(path, ledger(9)), { code: 'LOG_DIVERGED' })
  await assert.rejects(open(path, ledger(12, '!')), { code: 'LOG_DIVERGED' })
})

test('a stock follower sees old and new entries in order, from where it asks', async (t) => {
  const source = ledger(600)
  const { store, log } = await open(await folder(t), source)
  const follower = new Corestore(await folder(t))
  closeAfter(t, () => Promise.all([store.close(), follower.close()]))
  const core = follower.get({ key: chainCoreKey(keyPair.publicKey, 'log') })
  await core.ready()
  const ours = store.replicate(true) as unknown as NodeJS.ReadWriteStream
  ours.pipe(follower.replicate(false) as unknown as NodeJS.ReadWriteStream).pipe(ours)

  assert.deepEqual(await collect(followLog(core)), names(600))
  const live = collect(followLog(core, { from: 595, live: true }), 10)
  source.add(5)
  await log.publish()
  assert.deepEqual(await live, names(605).slice(595))
})

test('a log that its chain has rewritten is followed no further', async (t) => {
  const source = ledger(20)
  const { store, log } = await open(await folder(t), source)
  closeAfter(t, () => store.close())
  assert.equal((await collect(followLog(log.core), 20)).length, 20)
  await log.core.truncate(15)
  await assert.rejects(collect(followLog(log.core)), { code: 'LOG_REWRITTEN' })
})

test('a log that nobody offers ends in a coded error', async (t) => {
  const follower = new Corestore(await folder(t))
  closeAfter(t, () => follower.close())
  const core = follower.get({ key: chainCoreKey(keyPair.publicKey, 'log') })
  const finding = core.findingPeers()
  await assert.rejects(collect(followLog(core, { timeoutMs: 50 })), { code: 'LOG_UNREACHABLE' })
  finding()
})

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `entry ${index}`)
}
