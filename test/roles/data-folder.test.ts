import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDiskFull, prepareDataFolder } from '../../src/roles/data-folder.js'
import { temporaryFolder } from '../helpers/folder.js'

test('creates a missing folder, parents included, and discards it whole', async (t) => {
  const parent = temporaryFolder(t)
  const data = await prepareDataFolder(join(parent, 'a', 'b'), 0)
  assert.equal(data.path, join(parent, 'a', 'b'))
  assert.equal(data.of('pinner-1'), join(parent, 'a', 'b', 'pinner-1'))
  await data.discard()
  assert.deepEqual(readdirSync(parent), [])
})

test('uses an empty folder and leaves it empty when discarded', async (t) => {
  const folder = temporaryFolder(t)
  const data = await prepareDataFolder(folder, 0)
  mkdirSync(data.of('chain'))
  await data.discard()
  assert.deepEqual(readdirSync(folder), [])
})

test('makes a fresh temporary folder when none is given', async () => {
  const [a, b] = [await prepareDataFolder(undefined, 0), await prepareDataFolder(undefined, 0)]
  assert.notEqual(a.path, b.path)
  await Promise.all([a.discard(), b.discard()])
  assert.equal(existsSync(a.path), false)
})

test('refuses a folder that is in use', async (t) => {
  const folder = temporaryFolder(t)
  await prepareDataFolder(folder, 0)
  await assert.rejects(prepareDataFolder(folder, 0), { code: 'DATA_IN_USE' })
})

test('only one of two that start at once gets the folder', async (t) => {
  const folder = temporaryFolder(t)
  const results = await Promise.allSettled([1, 2, 3, 4].map(() => prepareDataFolder(folder, 0)))
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('refuses a folder that holds an earlier network', async (t) => {
  const folder = temporaryFolder(t)
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  writeFileSync(join(folder, 'network.json'), JSON.stringify({ version: 1, pid: child.pid }))
  await assert.rejects(prepareDataFolder(folder, 0), { code: 'DATA_HOLDS_NETWORK' })
})

test('refuses a folder with other files and touches none of them', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'thesis.txt'), 'x')
  await assert.rejects(prepareDataFolder(folder, 0), { code: 'DATA_NOT_EMPTY', message: /thesis/ })
  assert.deepEqual(readdirSync(folder), ['thesis.txt'])
})

test('refuses a file and a place where nothing can be created', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), 'x')
  await assert.rejects(prepareDataFolder(join(folder, 'file'), 0), { code: 'DATA_NOT_A_FOLDER' })
  await assert.rejects(prepareDataFolder(join(folder, 'file', 'below'), 0), { code: 'DATA_NOT_A_FOLDER' })
  await assert.rejects(prepareDataFolder('/proc/datdot', 0), { code: 'DATA_NOT_WRITABLE' })
})

test('refuses a disk that is too small and leaves nothing behind', async (t) => {
  const folder = temporaryFolder(t)
  await assert.rejects(prepareDataFolder(join(folder, 'new'), Number.MAX_SAFE_INTEGER), { code: 'DISK_FULL' })
  assert.deepEqual(readdirSync(folder), [])
})

test('knows a full disk by the words of the kernel, SQLite and RocksDB, also as a cause', () => {
  assert.ok(isDiskFull(Object.assign(new Error('x'), { code: 'ENOSPC' })))
  assert.ok(isDiskFull(Object.assign(new Error('x'), { code: 'SQLITE_FULL' })))
  assert.ok(isDiskFull(new Error('outer', { cause: new Error('IO error: No space left on device: …') })))
  assert.ok(!isDiskFull(new Error('something else')))
})
