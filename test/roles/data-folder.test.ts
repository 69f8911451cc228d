import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { DataFolder, RoleFolder, isDiskFull } from '../../src/roles/data-folder.js'
import { diskFull } from '../../src/storage/failures.js'
import { temporaryFolder } from '../helpers/folder.js'
import { closeAfter } from '../helpers/close-after.js'

const clock = systemClock

/** A data folder that lets go with the test. */
async function dataFolder(t: TestContext, path: string | undefined, neededBytes = 0): Promise<DataFolder> {
  const folder = new DataFolder({ path, neededBytes, clock })
  closeAfter(t, () => folder.close())
  return opened(folder)
}

async function roleFolder(t: TestContext, path: string, role = 'pinner'): Promise<RoleFolder> {
  const folder = new RoleFolder({ path, role, clock, randomBytes })
  closeAfter(t, () => folder.close())
  return opened(folder)
}

test('creates a missing folder, parents included, and discards it whole', async (t) => {
  const parent = temporaryFolder(t)
  const data = await dataFolder(t, join(parent, 'a', 'b'))
  assert.equal(data.path, join(parent, 'a', 'b'))
  assert.equal(data.of('pinner-1'), join(parent, 'a', 'b', 'pinner-1'))
  await data.discard()
  assert.deepEqual(readdirSync(parent), [])
})

test('uses an empty folder and leaves it empty when discarded', async (t) => {
  const folder = temporaryFolder(t)
  const data = await dataFolder(t, folder)
  mkdirSync(data.of('chain'))
  await data.discard()
  assert.deepEqual(readdirSync(folder), [])
})

test('makes a fresh temporary folder when none is given', async (t) => {
  const [a, b] = [await dataFolder(t, undefined), await dataFolder(t, undefined)]
  assert.notEqual(a.path, b.path)
  await Promise.all([a.discard(), b.discard()])
  assert.equal(existsSync(a.path), false)
})

test('refuses a folder that is in use, and says by whom and since when', async (t) => {
  const folder = temporaryFolder(t)
  await dataFolder(t, folder)
  await assert.rejects(dataFolder(t, folder), {
    code: 'DATA_IN_USE',
    message: new RegExp(`the network of process ${process.pid}, since \\d{4}-\\d\\d-\\d\\dT`)
  })
  assert.equal(existsSync(folder), true, 'what others use stays')
})

test('only one of those that start at once gets the folder', async (t) => {
  const folder = join(temporaryFolder(t), 'new')
  const results = await Promise.allSettled([1, 2, 3, 4].map(() => dataFolder(t, folder)))
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.deepEqual(readdirSync(folder), ['network.json'])
})

test('refuses a folder that holds an earlier network, and keeps it', async (t) => {
  const folder = temporaryFolder(t)
  const first = await dataFolder(t, folder)
  writeFileSync(join(folder, 'chain'), 'a ledger')
  await first.close()
  await assert.rejects(dataFolder(t, folder), { code: 'DATA_HOLDS_NETWORK' })
  assert.equal(readFileSync(join(folder, 'chain'), 'utf8'), 'a ledger')
})

test('refuses a folder whose network ended before it could say so, and keeps it', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'network.json'), '')
  writeFileSync(join(folder, 'chain'), 'a ledger')
  await assert.rejects(dataFolder(t, folder), { code: 'DATA_HOLDS_NETWORK' })
  assert.deepEqual(readdirSync(folder).sort(), ['chain', 'network.json'])
})

test('refuses a folder with other files and touches none of them', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'thesis.txt'), 'x')
  await assert.rejects(dataFolder(t, folder), { code: 'DATA_NOT_EMPTY', message: /thesis/ })
  assert.deepEqual(readdirSync(folder), ['thesis.txt'])
})

test('refuses a file and a place where nothing can be created', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), 'x')
  await assert.rejects(dataFolder(t, join(folder, 'file')), { code: 'DATA_NOT_A_FOLDER' })
  await assert.rejects(dataFolder(t, join(folder, 'file', 'below')), { code: 'DATA_NOT_A_FOLDER' })
  await assert.rejects(dataFolder(t, '/proc/datdot'), { code: 'DATA_NOT_WRITABLE' })
})

test('refuses a disk that is too small and leaves nothing behind', async (t) => {
  const folder = temporaryFolder(t)
  await assert.rejects(dataFolder(t, join(folder, 'new'), Number.MAX_SAFE_INTEGER), { code: 'DISK_FULL' })
  assert.deepEqual(readdirSync(folder), [])
})

test('a role’s folder is one role’s at a time, in one process too', async (t) => {
  const path = join(temporaryFolder(t), 'pinner')
  const first = await roleFolder(t, path)
  await assert.rejects(roleFolder(t, path), {
    code: 'DATA_IN_USE',
    message: new RegExp(`the pinner of process ${process.pid}, since`)
  })
  await first.close()
  assert.equal((await roleFolder(t, path)).path, path)
})

test('a role does not move into the folder of a network, whether that runs or not', async (t) => {
  const path = temporaryFolder(t)
  const network = await dataFolder(t, path)
  await assert.rejects(roleFolder(t, path), { code: 'DATA_IN_USE', message: /the network of process/ })
  await network.close()
  await assert.rejects(roleFolder(t, path), { code: 'DATA_HOLDS_NETWORK' })
  await assert.rejects(roleFolder(t, path), { code: 'DATA_HOLDS_NETWORK' })
})

test('knows a full disk by our words and those of the kernel, SQLite and RocksDB, also as a cause', () => {
  assert.ok(isDiskFull(diskFull('/data/pinner/copies')), 'what a store kept in reserve is not there')
  assert.ok(isDiskFull(Object.assign(new Error('x'), { code: 'ENOSPC' })))
  assert.ok(isDiskFull(Object.assign(new Error('x'), { code: 'SQLITE_FULL' })))
  assert.ok(isDiskFull(new Error('outer', { cause: new Error('IO error: No space left on device: …') })))
  assert.ok(!isDiskFull(new Error('something else')))
})

test('a name that the system does not take is told in its words, and nothing else is blamed', async (t) => {
  const path = join(temporaryFolder(t), 'x'.repeat(300))
  await assert.rejects(dataFolder(t, path), { code: 'DATA_FAILED', message: /the system says: ENAMETOOLONG/ })
})
