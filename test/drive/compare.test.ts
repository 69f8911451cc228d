import assert from 'node:assert/strict'
import { chmodSync, cpSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { differences } from '../../src/drive/compare.js'
import { scan, type Source } from '../../src/drive/scan.js'
import { temporaryFolder } from '../helpers/folder.js'

const links = [{ name: '/link', target: 'big' }]

/** A source with a file longer than the comparison's window, and a copy of it. */
async function sourceAndCopy(t: TestContext): Promise<{ source: Source; copy: string }> {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'big'), Buffer.alloc((1 << 20) + 10, 7))
  writeFileSync(join(folder, 'exact'), Buffer.alloc(1 << 20, 8))
  writeFileSync(join(folder, 'empty'), '')
  const copy = temporaryFolder(t)
  cpSync(folder, copy, { recursive: true })
  symlinkSync('big', join(folder, 'link'))
  return { source: await scan(folder), copy }
}

test('an equal copy has no differences', async (t) => {
  const { source, copy } = await sourceAndCopy(t)
  assert.deepEqual(await differences(source, copy, { files: 3, links }), [])
})

test('one changed byte at the end of a large file is found', async (t) => {
  const { source, copy } = await sourceAndCopy(t)
  const bytes = Buffer.alloc((1 << 20) + 10, 7)
  bytes[bytes.length - 1] = 0
  writeFileSync(join(copy, 'big'), bytes)
  assert.match((await differences(source, copy, { files: 3, links })).join(), /^\/big differs/)
})

test('a file that is too short or too long is found', async (t) => {
  const { source, copy } = await sourceAndCopy(t)
  writeFileSync(join(copy, 'big'), Buffer.alloc(1 << 20, 7))
  writeFileSync(join(copy, 'exact'), Buffer.alloc((1 << 20) + 1, 8))
  assert.equal((await differences(source, copy, { files: 3, links })).length, 2)
})

test('a missing file, another count and another link are found', async (t) => {
  const { source, copy } = await sourceAndCopy(t)
  rmSync(join(copy, 'empty'))
  const found = await differences(source, copy, { files: 2, links: [{ name: '/link', target: 'elsewhere' }] })
  assert.equal(found.length, 3)
})

test('a lost executable bit is found', async (t) => {
  const { source, copy } = await sourceAndCopy(t)
  chmodSync(join(copy, 'empty'), 0o755)
  assert.match((await differences(source, copy, { files: 3, links })).join(), /executable/)
})
