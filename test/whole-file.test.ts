import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeWholeFile } from '../src/whole-file.js'
import { temporaryFolder } from './helpers/folder.js'

test('a file is put in the place of another, and what a crash left beside it is gone', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'file')
  writeFileSync(path, 'old', { mode: 0o644 })
  writeFileSync(`${path}.new`, 'half of a new o', { mode: 0o666 })
  await writeWholeFile(path, 'new')
  assert.equal(readFileSync(path, 'utf8'), 'new')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(folder), ['file'])
})

test('what is written may depend on where it lies', async (t) => {
  const path = join(temporaryFolder(t), 'file')
  await writeWholeFile(path, async (file) => String((await file.stat()).ino))
  assert.equal(readFileSync(path, 'utf8'), String(statSync(path).ino))
})

test('what cannot be made leaves the old file as it was', async (t) => {
  const path = join(temporaryFolder(t), 'file')
  await writeWholeFile(path, 'old')
  await assert.rejects(
    writeWholeFile(path, () => Promise.reject(new Error('no'))),
    /^Error: no$/
  )
  assert.equal(readFileSync(path, 'utf8'), 'old')
})
