import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { scan } from '../../src/drive/scan.js'
import { temporaryFolder } from '../helpers/folder.js'
import { closeAfter } from '../helpers/close-after.js'

test('lists files and links of a folder in the order of their names', async (t) => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'b'))
  writeFileSync(join(folder, 'b', 'ü ñ.txt'), 'two')
  writeFileSync(join(folder, 'a'), 'one')
  writeFileSync(join(folder, 'empty'), '')
  chmodSync(join(folder, 'a'), 0o755)
  symlinkSync('/nowhere/at all', join(folder, 'link'))

  const source = await scan(folder)

  assert.deepEqual(
    source.entries.map((entry) => [entry.kind, entry.name]),
    [
      ['file', '/a'],
      ['file', '/b/ü ñ.txt'],
      ['file', '/empty'],
      ['link', '/link']
    ]
  )
  assert.equal(source.files, 3)
  assert.equal(source.bytes, 6)
  const [a, , , link] = source.entries
  assert.ok(a?.kind === 'file' && a.executable)
  assert.ok(link?.kind === 'link' && link.target === '/nowhere/at all')
})

test('never follows a link to a folder', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), 'x')
  symlinkSync('.', join(folder, 'loop'))
  const source = await scan(folder)
  assert.deepEqual(
    source.entries.map(({ name }) => name),
    ['/file', '/loop']
  )
})

test('takes a single file, also through a link', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file.bin'), 'x')
  symlinkSync('file.bin', join(folder, 'link'))
  assert.equal((await scan(join(folder, 'file.bin'))).entries[0]?.name, '/file.bin')
  assert.equal((await scan(join(folder, 'link'))).entries[0]?.name, '/file.bin')
})

test('leaves out excluded folders, wherever the name says so', async (t) => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'data'))
  mkdirSync(join(folder, 'deep', 'node_modules'), { recursive: true })
  for (const name of ['keep', 'data/no', 'deep/node_modules/no']) writeFileSync(join(folder, name), 'x')
  const source = await scan(folder, { exclude: [join(folder, 'data')], excludeNames: ['node_modules'] })
  assert.deepEqual(
    source.entries.map(({ name }) => name),
    ['/keep']
  )
})

test('leaves out a socket with a reason', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), 'x')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(folder, 'sock'), resolve))
  closeAfter(t, () => server.close())
  const source = await scan(folder)
  assert.equal(source.files, 1)
  assert.deepEqual(source.skipped, [{ path: join(folder, 'sock'), why: 'it is a socket' }])
  await assert.rejects(scan(join(folder, 'sock')), { code: 'PATH_NOT_A_FILE', message: /is a socket/ })
})

test('refuses what is missing', async (t) => {
  const folder = temporaryFolder(t)
  await assert.rejects(scan(join(folder, 'none')), { code: 'PATH_MISSING' })
  writeFileSync(join(folder, 'file'), 'x')
  await assert.rejects(scan(join(folder, 'file', 'below')), { code: 'PATH_MISSING' })
})

test('refuses a folder without a file or link, and takes one with empty files or links alone', async (t) => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'below'))
  await assert.rejects(scan(folder), { code: 'PATH_EMPTY' })
  assert.deepEqual((await scan(folder, { mayBeEmpty: true })).entries, [])
  symlinkSync('nowhere', join(folder, 'link'))
  assert.equal((await scan(folder)).entries.length, 1)
  writeFileSync(join(folder, 'empty'), '')
  assert.equal((await scan(folder)).bytes, 0)
})

test('keeps every byte of names and targets, U+FEFF at their beginning too', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'name'), 'without')
  writeFileSync(join(folder, '\ufeffname'), 'with it')
  symlinkSync('\ufeffname', join(folder, 'link'))
  const { entries } = await scan(folder)
  assert.deepEqual(
    entries.map(({ name }) => name),
    ['/link', '/name', '/\ufeffname']
  )
  assert.ok(entries[0]!.kind === 'link' && entries[0]!.target === '\ufeffname')
})

test('refuses names that a drive cannot hold', async (t) => {
  const backslash = temporaryFolder(t)
  writeFileSync(join(backslash, 'a\\b'), 'x')
  await assert.rejects(scan(backslash), { code: 'PATH_NAME', message: /backslash/ })

  const latin1 = temporaryFolder(t)
  writeFileSync(Buffer.concat([Buffer.from(latin1 + '/'), Buffer.from([0xe9, 0x74])]), 'x')
  await assert.rejects(scan(latin1), { code: 'PATH_NAME', message: /UTF-8/ })
})

test('refuses a link whose target is not UTF-8', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), 'x')
  symlinkSync(Buffer.from([0xff, 0xfe]), join(folder, 'link'))
  await assert.rejects(scan(folder), { code: 'PATH_NAME', message: /link/ })
})
