import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Corestore from 'corestore'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DatdotError } from '../../src/errors.js'
import { opened } from '../../src/lifecycle.js'
import { StoreWatch, writeNothing } from '../../src/storage/store-watch.js'
import { closeAfter } from '../helpers/close-after.js'
import { VirtualClock } from '../helpers/virtual-clock.js'
import { tempDir } from './support.js'

/** What RocksDB says after a write has failed, and for ever after. */
const refused = (): AggregateError =>
  new AggregateError(
    [new Error('While appending to file: 000004.log: Input/output error')],
    'Batch was not applied'
  )

/** Looks at whether an answer has come, 20 ms apart. */
const ANSWERS = 1_000

async function watched(t: TestContext, { reopens = true } = {}) {
  const dir = join(await tempDir(t), 'stores')
  await mkdir(dir)
  const clock = new VirtualClock()
  const store = { well: true }
  const broken: DatdotError[] = []
  const changes: (string | null)[] = []
  const watch = new StoreWatch({
    dir,
    write: () => (store.well ? Promise.resolve() : Promise.reject(refused())),
    minFreeBytes: 0,
    clock,
    broken: reopens ? (error) => broken.push(error) : undefined,
    changed: (trouble) => changes.push(trouble && trouble.code)
  })
  await opened(watch)
  closeAfter(t, () => watch.close())
  /** Time goes by; the disk's own answers take real time. */
  const wait = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 1_000) {
      await clock.advance(1_000)
      await sleep(5)
    }
  }
  /** For what hangs on an answer of the disk, which may be busy: time goes by until it has come. */
  const until = async (holds: () => boolean): Promise<void> => {
    for (let left = ANSWERS; left > 0 && !holds(); left--) {
      await clock.advance(1_000)
      await sleep(20)
    }
  }
  return { dir, clock, store, watch, broken, changes, wait, until }
}

test('a store that takes no more writes is given up once its disk takes them', async (t) => {
  const { dir, store, watch, broken, changes, wait, until } = await watched(t)
  await wait(60_000)
  assert.deepEqual(changes, [])
  store.well = false
  watch.suspect()
  await until(() => broken.length > 0)
  assert.deepEqual(changes, ['STORAGE_DISK_FAILED'])
  assert.deepEqual(
    broken.map(({ code }) => code),
    ['STORAGE_DISK_FAILED']
  )
  assert.match(broken[0]!.message, /Input\/output error/)
  assert.deepEqual(await readdir(dir), [])
})

test('a store stays open while its disk is at fault, and nothing has to be suspected', async (t) => {
  const { dir, store, watch, broken, wait, until } = await watched(t)
  // A disk that takes nothing: where its folder was is none.
  rmSync(dir, { recursive: true })
  writeFileSync(dir, '')
  store.well = false
  await wait(120_000)
  assert.deepEqual(broken, [])
  assert.equal(watch.trouble?.code, 'STORAGE_DISK_FAILED')
  rmSync(dir)
  await mkdir(dir)
  await until(() => broken.length > 0)
  assert.equal(broken.length, 1)
})

test('who opens nothing again looks on, and says when all is well', async (t) => {
  const { store, watch, changes, wait } = await watched(t, { reopens: false })
  store.well = false
  await wait(20_000)
  store.well = true
  await wait(60_000)
  assert.deepEqual(changes, ['STORAGE_DISK_FAILED', null])
  assert.equal(watch.trouble, null)
})

test('writing nothing changes nothing of a store', async (t) => {
  const store = new Corestore(await tempDir(t))
  closeAfter(t, () => store.close())
  const core = store.get({ name: 'one' })
  await core.append([Buffer.from('a')])
  await writeNothing(store.storage)
  assert.equal(core.length, 1)
  assert.deepEqual(await core.get(0), Buffer.from('a'))
  await store.close()
  await assert.rejects(writeNothing(store.storage))
})
