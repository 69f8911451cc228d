import assert from 'node:assert/strict'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import { differences } from '../../src/drive/compare.js'
import { publish } from '../../src/drive/publish.js'
import { scan } from '../../src/drive/scan.js'
import { temporaryFolder } from '../helpers/folder.js'
import { closeAfter } from '../helpers/close-after.js'

test('a folder that changes while it is published gives what was read, and says what it left out', async (t) => {
  const folder = temporaryFolder(t)
  const secret = join(temporaryFolder(t), 'secret')
  writeFileSync(secret, 'never published')
  const path = (name: string): string => join(folder, name)
  for (const name of ['gone', 'grown', 'linked', 'made a folder', 'same'])
    writeFileSync(path(name), `scanned ${name}`)
  const source = await scan(folder)
  for (const name of ['gone', 'linked', 'made a folder']) rmSync(path(name))
  symlinkSync(secret, path('linked'))
  mkdirSync(path('made a folder'))
  writeFileSync(path('grown'), 'longer than when it was scanned')

  const store = new Corestore(temporaryFolder(t))
  closeAfter(t, () => store.close())
  const drive = new Hyperdrive(store)
  await drive.ready()
  const published = await publish(drive, source)
  assert.deepEqual(
    published.skipped.map(({ path: of, why }) => [of, why]),
    [
      [path('gone'), 'it vanished before it was read'],
      [path('linked'), 'it is no file any more'],
      [path('made a folder'), 'it is no file any more']
    ]
  )
  assert.deepEqual([published.files, published.bytes], [2, 31 + 12])

  // The comparison is with what was read, whatever becomes of the folder.
  rmSync(path('same'))
  const copy = temporaryFolder(t)
  for await (const { key } of drive.list('/')) {
    mkdirSync(dirname(join(copy, key)), { recursive: true })
    writeFileSync(join(copy, key), (await drive.get(key))!)
  }
  assert.deepEqual(await differences(published, copy, { files: 2, links: [] }), [])
  writeFileSync(join(copy, 'same'), 'other bytes')
  const found = await differences(published, copy, { files: 2, links: [] })
  assert.deepEqual(found, ['/same differs from what was published'])
})
