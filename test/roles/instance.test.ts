import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../src/clock.js'
import { SwarmError } from '../../src/errors.js'
import { opened, using } from '../../src/lifecycle.js'
import { createLogger } from '../../src/log.js'
import { RoleFolder, type RoleFolderOptions } from '../../src/roles/data-folder.js'
import { WorkLoop } from '../../src/roles/work-loop.js'
import { PinnerStore } from '../../src/storage/pinner-store.js'
import { closeAfter } from '../helpers/close-after.js'
import { temporaryFolder } from '../helpers/folder.js'
import { VirtualClock } from '../helpers/virtual-clock.js'

/** The number of the copy that a folder is, as a role finds it. */
function instanceOf(path: string, options: Partial<RoleFolderOptions> = {}): Promise<Buffer> {
  const folder = new RoleFolder({ path, role: 'pinner', clock: systemClock, randomBytes, ...options })
  return using(folder, () => Promise.resolve(folder.instance))
}

const PRESERVED = { recursive: true, preserveTimestamps: true } as const

test('a folder is the same instance at every start, also under another name, and a copy of it is another one', async (t) => {
  const root = temporaryFolder(t)
  const [path, moved, copy] = ['folder', 'moved', 'copy'].map((name) => join(root, name)) as [
    string,
    string,
    string
  ]
  const first = await instanceOf(path)
  assert.equal(first.byteLength, 16)
  assert.deepEqual(await instanceOf(path), first)
  renameSync(path, moved)
  assert.deepEqual(await instanceOf(moved), first)
  cpSync(moved, copy, PRESERVED)
  const second = await instanceOf(copy)
  assert.notDeepEqual(second, first)
  assert.deepEqual(await instanceOf(copy), second)
  assert.deepEqual(await instanceOf(moved), first)
})

test('what is no number of an instance is replaced by one', async (t) => {
  const path = temporaryFolder(t)
  for (const text of ['', '{', '{"instance":"07"}', '[]', 'null']) {
    writeFileSync(join(path, 'instance'), text)
    const made = await instanceOf(path)
    assert.deepEqual(await instanceOf(path), made, text)
  }
})

test('a pinner’s store opens in a copy of its folder, also where it lies behind a link', async (t) => {
  const root = temporaryFolder(t)
  const path = join(root, 'pinner')
  await instanceOf(path)
  await using(new PinnerStore(join(path, 'copies')), () => Promise.resolve())
  const copy = join(root, 'copy')
  cpSync(path, copy, PRESERVED)
  await assert.rejects(opened(new PinnerStore(join(copy, 'copies'))), { code: 'STORAGE_MOVED' })
  await instanceOf(copy)
  await using(new PinnerStore(join(copy, 'copies')), () => Promise.resolve())

  const linked = join(root, 'linked')
  const disk = join(root, 'disk')
  mkdirSync(linked)
  cpSync(join(path, 'copies'), disk, PRESERVED)
  cpSync(join(path, 'instance'), join(linked, 'instance'))
  symlinkSync(disk, join(linked, 'copies'))
  await instanceOf(linked)
  await using(new PinnerStore(join(linked, 'copies')), () => Promise.resolve())
})

test('where two copies would contradict each other a copy is refused, and left as it is', async (t) => {
  const root = temporaryFolder(t)
  const [path, copy] = [join(root, 'chain'), join(root, 'copy')]
  await instanceOf(path, { mayBeCopied: false })
  mkdirSync(join(path, 'cores'))
  writeFileSync(join(path, 'cores', 'CORESTORE'), 'device')
  cpSync(path, copy, PRESERVED)
  const before = readFileSync(join(copy, 'instance'))
  await assert.rejects(instanceOf(copy, { mayBeCopied: false }), {
    code: 'DATA_COPIED',
    message: /two chains of one key/
  })
  assert.deepEqual(readFileSync(join(copy, 'instance')), before)
  assert.ok(existsSync(join(copy, 'cores', 'CORESTORE')))
  await instanceOf(path, { mayBeCopied: false })
})

/** A role's work where another copy of its folder is connected until `free` is called. */
function elsewhere(t: TestContext) {
  const clock = new VirtualClock()
  const controller = new AbortController()
  const lines: string[] = []
  let isFree = false
  const refused = (): Promise<never> =>
    Promise.reject(new SwarmError('INSTANCE_ELSEWHERE', 'another copy is connected'))
  const log = createLogger(
    (line) => lines.push(line),
    () => 0
  )
  const chain = {
    info: refused,
    async *events() {
      yield* []
    }
  }
  const loop = new WorkLoop({ chain, clock, log, signal: controller.signal })
  closeAfter(t, async () => {
    controller.abort()
    await loop.idle()
  })
  let works = 0
  loop.follow([], () => (isFree ? Promise.resolve(void works++) : refused()))
  return { clock, lines, free: () => (isFree = true), works: () => works }
}

test('a role whose folder has another copy says so once, and works when the other is gone', async (t) => {
  const { clock, lines, free, works } = elsewhere(t)
  await clock.advance(60_000)
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { event: string }).event),
    ['role.elsewhere']
  )
  free()
  await clock.advance(5_000)
  assert.equal(works(), 1)
})
