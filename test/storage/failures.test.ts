import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type Hypercore from 'hypercore'
import CorestoreStorage from 'hypercore-storage'
import { InputError, StorageError } from '../../src/errors.js'
import { opened } from '../../src/lifecycle.js'
import { NodeFile } from '../../src/storage/node-file.js'
import { PinnerStore } from '../../src/storage/pinner-store.js'
import { unprivileged } from '../helpers/unprivileged.js'
import { authorCore, dropTreeNode, feed, noiseBlocks, openStore, pin, segmentOf, tempDir } from './support.js'

const fewFiles = fileURLToPath(new URL('./few-files.js', import.meta.url))

/** An error of ours with this code, whose cause is what the library or the system said. */
function coded(code: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof StorageError || error instanceof InputError, String(error))
    assert.equal(error.code, code, error.message)
    assert.ok(error.cause instanceof Error, 'the original is its cause')
    return true
  }
}

test('a store that was copied is not opened in two places; the first one still is', async (t) => {
  const dir = await tempDir(t)
  const author = await authorCore(t, noiseBlocks(3, 100, 'copied'))
  const first = await openStore(t, join(dir, 'first'))
  await pin(first, author)
  await first.close()
  await cp(join(dir, 'first'), join(dir, 'second'), { recursive: true })
  await assert.rejects(opened(new PinnerStore(join(dir, 'second'))), coded('STORAGE_MOVED'))
  await rename(join(dir, 'first'), join(dir, 'third'))
  const third = await openStore(t, join(dir, 'third'))
  assert.equal(third.segments().length, 1)
})

test('a folder that may not be written is refused as such', async (t) => {
  const dir = await tempDir(t)
  await chmod(dir, 0o555)
  await unprivileged(async () => {
    await assert.rejects(opened(new PinnerStore(join(dir, 'store'))), coded('STORAGE_DENIED'))
    await assert.rejects(opened(new NodeFile(join(dir, 'nodes'))), coded('STORAGE_DENIED'))
  })
})

test('a process that has no file left to open says so', async (t) => {
  const dir = await tempDir(t)
  const { stdout } = spawnSync(
    'sh',
    ['-c', `ulimit -n 64; exec "$0" "$1" "$2"`, process.execPath, fewFiles, dir],
    {
      encoding: 'utf8',
      timeout: 60_000
    }
  )
  assert.match(stdout, /^STORAGE_LIMIT: .*EMFILE.*ulimit -n/)
})

test('a disk that cannot be read says so', async () => {
  // Nothing is mapped at its beginning, and the system says so as of a broken disk.
  const file = await opened(new NodeFile('/proc/self/mem'))
  try {
    await assert.rejects(file.node(0, 0), coded('STORAGE_DISK_FAILED'))
  } finally {
    await file.close()
  }
})

test('a full disk says so', async () => {
  const file = await opened(new NodeFile('/dev/full'))
  try {
    file.append(Buffer.alloc(80))
    await assert.rejects(file.flush(), coded('STORAGE_DISK_FULL'))
  } finally {
    await file.close()
  }
})

test('what the system fails with for another reason is told as not known', async () => {
  // It takes what is written, but cannot make it durable.
  const file = await opened(new NodeFile('/dev/null'))
  try {
    await assert.rejects(file.flush(), (error: unknown) => {
      coded('STORAGE_FAILED')(error)
      assert.match((error as Error).message, /it is not known why: EINVAL/)
      return true
    })
  } finally {
    await file.close()
  }
})

test('a store whose tables are damaged says so', async (t) => {
  const dir = await tempDir(t)
  const author = await authorCore(t, noiseBlocks(3, 100, 'tables'))
  const store = await openStore(t, dir)
  await pin(store, author)
  await store.close()
  const db = join(dir, 'store', 'db')
  for (const name of await readdir(db)) {
    if (!name.startsWith('MANIFEST')) continue
    const bytes = await readFile(join(db, name))
    await writeFile(join(db, name), bytes.fill(0xff, 10, 60))
  }
  await assert.rejects(opened(new PinnerStore(dir)), coded('STORAGE_CORRUPT'))
})

test('records that were lost beside their segments are not begun anew', async (t) => {
  const dir = await tempDir(t)
  const author = await authorCore(t, noiseBlocks(3, 100, 'lost'))
  const store = await openStore(t, dir)
  const { spec } = await pin(store, author)
  // As an intake does before the first chunk.
  await (await opened(new NodeFile(store.nodeFile(spec.segment.id)))).close()
  await store.close()
  const file = join(dir, 'pinner.db')
  const whole = await readFile(file)
  await rm(file)
  await assert.rejects(opened(new PinnerStore(dir)), { code: 'STORAGE_RECORDS_LOST' })
  await writeFile(file, '')
  await assert.rejects(opened(new PinnerStore(dir)), { code: 'STORAGE_RECORDS_LOST' })
  await writeFile(file, whole)
  assert.equal((await openStore(t, dir)).segments().length, 1)
})

test('a store of which RocksDB misses a file says that it is damaged', async (t) => {
  const dir = await tempDir(t)
  const author = await authorCore(t, noiseBlocks(3, 100, 'current'))
  const store = await openStore(t, dir)
  await pin(store, author)
  await store.close()
  const folder = join(dir, 'store', 'db')
  for (const name of ['CURRENT', (await readdir(folder)).find((one) => one.startsWith('MANIFEST'))!]) {
    const whole = await readFile(join(folder, name))
    await rm(join(folder, name))
    await assert.rejects(opened(new PinnerStore(dir)), coded('STORAGE_CORRUPT'))
    await writeFile(join(folder, name), whole)
  }
  assert.equal((await openStore(t, dir)).segments().length, 1)
})

test('records that are damaged say so', async (t) => {
  const dir = await tempDir(t)
  const author = await authorCore(t, noiseBlocks(3, 100, 'records'))
  const store = await openStore(t, dir)
  await pin(store, author)
  await store.close()
  const records = join(dir, 'pinner.db')
  const bytes = await readFile(records)
  await writeFile(records, bytes.fill(0xff, 4096))
  await assert.rejects(opened(new PinnerStore(dir)), coded('STORAGE_CORRUPT'))
})

test('a history of the author that is not the one held is not put beside it', async (t) => {
  const blocks = noiseBlocks(10, 120, 'common')
  const author = await authorCore(t, blocks)
  const { keyPair } = author as unknown as { keyPair: Hypercore.KeyPair }
  const twin = await authorCore(t, blocks, { keyPair, manifest: author.manifest! })
  assert.deepEqual(twin.key, author.key)
  const store = await openStore(t)
  await pin(store, author)
  const session = store.session(author.key)
  await session.ready()
  await author.append(noiseBlocks(6, 120, 'one'))
  await twin.append(noiseBlocks(6, 120, 'two'))
  const second = await segmentOf(author, { start: 10, draw: 1 })
  // Peers bring the other one first.
  const left = twin.replicate(true) as unknown as { pipe(to: unknown): { pipe(to: unknown): unknown } }
  left.pipe(store.corestore.replicate(false)).pipe(left)
  while (session.length < 16) await session.update({ wait: true })
  const ingest = await store.beginSegment(second.spec)
  await feed(ingest, author, second)
  await assert.rejects(ingest.finish(), { code: 'STORAGE_FORKED' })
})

test("an original's tree of which the disk has lost a node says so", async (t) => {
  const dir = await tempDir(t)
  const author = await authorCore(t, noiseBlocks(8, 120, 'tree'))
  const first = await openStore(t, dir)
  await pin(first, author)
  await first.close()
  await author.append(noiseBlocks(1, 120, 'more'))
  const second = await segmentOf(author, { start: 8, draw: 1 })
  await dropTreeNode(dir, author, 7)
  const store = await openStore(t, dir)
  await assert.rejects(store.beginSegment(second.spec), { code: 'STORAGE_DAMAGED' })
})

test('a storage library that does not let itself be veiled is found out before anything is kept', async (t) => {
  const dir = await tempDir(t)
  await mkdir(join(dir, 'probe'))
  const probe = new CorestoreStorage(join(dir, 'probe'))
  await probe.ready()
  const key = Buffer.alloc(32, 1)
  const core = await probe.createCore({ key, manifest: null, discoveryKey: key, keyPair: null })
  const writer = Object.getPrototypeOf(core.write()) as { putBlock: unknown }
  await core.close()
  await probe.close()
  const { putBlock } = writer
  // As if blocks were written by a property that cannot be replaced.
  Object.defineProperty(writer, 'putBlock', { configurable: true, get: () => putBlock, set: () => {} })
  try {
    await assert.rejects(opened(new PinnerStore(join(dir, 'store'))), {
      code: 'STORAGE_SELF_CHECK',
      message: /a written block is on disk as it was/
    })
  } finally {
    Object.defineProperty(writer, 'putBlock', { configurable: true, writable: true, value: putBlock })
  }
  await openStore(t, join(dir, 'store'))
})
