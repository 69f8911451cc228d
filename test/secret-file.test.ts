import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { InputError } from '../src/errors.js'
import { readSecretFile, wipeSecretFile, writeSecretFile } from '../src/secret-file.js'
import { temporaryFolder } from './helpers/folder.js'

test('a secret is read back, and only its owner may read it', async (t) => {
  const path = join(temporaryFolder(t), 'secret')
  await writeSecretFile(path, Buffer.from('word'))
  assert.deepEqual(await readSecretFile(path), Buffer.from('word'))
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a secret that is not there is null', async (t) => {
  assert.equal(await readSecretFile(join(temporaryFolder(t), 'secret')), null)
})

test('what a crash left beside a secret lends it neither bytes nor mode', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'secret')
  writeFileSync(`${path}.new`, 'half a longer secret', { mode: 0o666 })
  chmodSync(`${path}.new`, 0o666)
  await writeSecretFile(path, 'word')
  assert.equal(readFileSync(path, 'utf8'), 'word')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(folder), ['secret'])
})

test('a secret that others may read is refused', async (t) => {
  const path = join(temporaryFolder(t), 'secret')
  await writeSecretFile(path, 'word')
  chmodSync(path, 0o640)
  await assert.rejects(readSecretFile(path), { code: 'SECRET_EXPOSED', message: /chmod 600/ })
})

test('a secret that cannot be read is not taken for none', async (t) => {
  const path = join(temporaryFolder(t), 'secret')
  mkdirSync(path)
  await assert.rejects(readSecretFile(path), { code: 'SECRET_UNREADABLE' })
})

test('a wiped secret is gone, and wiping none is fine', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'secret')
  await writeSecretFile(path, 'word')
  await wipeSecretFile(path)
  await wipeSecretFile(path)
  assert.deepEqual(readdirSync(folder), [])
})

test('a secret that cannot be written says so, with what the system reports as cause', async (t) => {
  const path = join(temporaryFolder(t), 'no folder', 'secret')
  await assert.rejects(writeSecretFile(path, 'word'), (error: unknown) => {
    assert.ok(error instanceof InputError)
    assert.equal(error.code, 'SECRET_NOT_WRITTEN')
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ENOENT')
    return true
  })
  await assert.rejects(writeSecretFile('/dev/full/secret', 'word'), { code: 'SECRET_NOT_WRITTEN' })
})
