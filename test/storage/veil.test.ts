import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import CorestoreStorage from 'hypercore-storage'
import { opened } from '../../src/lifecycle.js'
import { PinnerStore } from '../../src/storage/pinner-store.js'
import type { VeiledStorage } from '../../src/storage/veiled-storage.js'
import { authorCore, noiseBlocks, openStore, pin, segmentOf, tempDir } from './support.js'
import { closeAfter } from '../helpers/close-after.js'

const holder = fileURLToPath(new URL('./holder.js', import.meta.url))

test('streams of stored rows, audits, exports and clearing are refused', async (t) => {
  const author = await authorCore(t, noiseBlocks(5, 100, 'refuse'))
  const store = await openStore(t)
  await pin(store, author)
  const session = store.session(author.key) as unknown as {
    get(index: number): Promise<Buffer>
    clear(start: number, end: number): Promise<void>
    has(start: number, end: number): Promise<boolean>
    core: { audit(): Promise<unknown>; storage: CorestoreStorage.CoreStorage }
  }
  await session.get(0)
  await assert.rejects(session.core.audit(), { code: 'STORAGE_VEILED' })
  assert.throws(() => session.core.storage.createBlockStream(), { code: 'STORAGE_VEILED' })
  await assert.rejects(session.clear(0, 3), { code: 'STORAGE_VEILED' })
  const { storage } = store.corestore as unknown as { storage: VeiledStorage }
  await assert.rejects(storage.audit(), { code: 'STORAGE_VEILED' })
  await assert.rejects(storage.export(), { code: 'STORAGE_VEILED' })
  assert.equal(await session.has(0, 5), true)
})

test('snapshots give plain blocks too', async (t) => {
  const blocks = noiseBlocks(5, 100, 'snapshot')
  const author = await authorCore(t, blocks)
  const store = await openStore(t)
  await pin(store, author)
  const snapshot = store.session(author.key).snapshot()
  assert.deepEqual(await snapshot.get(3), blocks[3])
  await snapshot.close()
})

test('a hypercore without a veil cannot be opened in the store', async (t) => {
  const store = await openStore(t)
  const core = store.corestore.get({ name: 'plain' })
  await assert.rejects(core.ready(), { code: 'STORAGE_NOT_HELD' })
})

test('a storage library with other method names is refused', async (t) => {
  const dir = await tempDir(t)
  const prototype = CorestoreStorage.prototype as unknown as Record<string, unknown>
  const { resumeCore } = prototype
  // As hypercore-storage 1 had it.
  prototype.resume = resumeCore
  delete prototype.resumeCore
  try {
    await assert.rejects(opened(new PinnerStore(dir)), {
      code: 'STORAGE_VERSION',
      message: /has no resumeCore/
    })
  } finally {
    prototype.resumeCore = resumeCore
    delete prototype.resume
  }
  await openStore(t, dir)
})

test('a folder that another process has open is refused, and free once it has gone', async (t) => {
  const dir = await tempDir(t)
  const child = fork(holder, ['hold', dir])
  closeAfter(t, () => child.kill('SIGKILL'))
  await once(child, 'message')
  await assert.rejects(opened(new PinnerStore(dir)), {
    code: 'STORAGE_IN_USE',
    message: /in use by the pinner of process \d+, since/
  })
  child.kill('SIGKILL')
  await once(child, 'exit')
  await openStore(t, dir)
})

test('a folder that this process has open is refused', async (t) => {
  const dir = await tempDir(t)
  await openStore(t, dir)
  await assert.rejects(opened(new PinnerStore(dir)), { code: 'STORAGE_IN_USE' })
})

test('a path that is a file, and records of something else, are refused', async (t) => {
  const dir = await tempDir(t)
  await writeFile(join(dir, 'file'), 'text')
  await assert.rejects(opened(new PinnerStore(join(dir, 'file'))), { code: 'STORAGE_NOT_A_FOLDER' })
  await mkdir(join(dir, 'other'))
  await writeFile(
    join(dir, 'other', 'pinner.db'),
    'this is no database, but long enough to look like one'.repeat(99)
  )
  await assert.rejects(opened(new PinnerStore(join(dir, 'other'))), { code: 'STORAGE_FORMAT' })
})

test('a store that is not open yet, or is closed, says which to those who use it', async (t) => {
  const dir = await tempDir(t)
  const author = await authorCore(t, noiseBlocks(2, 100, 'closed'))
  const { spec } = await segmentOf(author)
  const store = new PinnerStore(dir)
  const early = { code: 'STORAGE_CLOSED', message: `The store in ${dir} is not open yet.` }
  const late = { code: 'STORAGE_CLOSED', message: `The store in ${dir} is closed.` }
  assert.throws(() => store.corestore, early)
  await store.ready()
  await store.close()
  assert.throws(() => store.session(author.key), late)
  await assert.rejects(store.beginSegment(spec), late)
  await assert.rejects(store.getEncoded(author.key, 0), late)
})

test('a store that is closed while a segment begins closes whole, and says so', async (t) => {
  const dir = await tempDir(t)
  const author = await authorCore(t, noiseBlocks(4, 300, 'closing'))
  const { spec } = await segmentOf(author)
  for (const turns of [0, 1, 2, 5]) {
    const store = await opened(new PinnerStore(dir))
    const beginning = store.beginSegment(spec).then(
      () => 'begun',
      (error: unknown) => (error as { code: string }).code
    )
    for (let n = 0; n < turns; n++) await new Promise((resolve) => setImmediate(resolve))
    await store.close()
    const outcome = await beginning
    assert.ok(['begun', 'STORAGE_CLOSED', 'STORAGE_BUSY'].includes(outcome), outcome)
  }
})
