import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { opened } from '../../src/lifecycle.js'
import { FolderLock, describeHolder, type Holder } from '../../src/storage/folder-lock.js'
import { temporaryFolder } from '../helpers/folder.js'
import { VirtualClock } from '../helpers/virtual-clock.js'
import { closeAfter } from '../helpers/close-after.js'

const HOLDER = fileURLToPath(new URL('./lock-holder.js', import.meta.url))
const SINCE = '2026-01-01T00:00:00.000Z'

class InUse extends Error {
  readonly holder: Holder | null
  constructor(holder: Holder | null) {
    super(describeHolder(holder))
    this.holder = holder
  }
}

function lockOf(t: TestContext, path: string, role = 'pinner'): FolderLock {
  const lock = new FolderLock({ path, role, clock: new VirtualClock(), inUse: (by) => new InUse(by) })
  closeAfter(t, () => lock.close())
  return lock
}

/** Another process that has the lock. */
async function holding(t: TestContext, path: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [HOLDER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  closeAfter(t, () => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

test('a lock is one owner’s at a time in one process, and says whose', async (t) => {
  const path = join(temporaryFolder(t), 'lock')
  const first = await opened(lockOf(t, path, 'signer'))
  assert.equal(first.known, false)
  await assert.rejects(lockOf(t, path).ready(), (error: InUse) => {
    assert.deepEqual(error.holder, { pid: process.pid, role: 'signer', since: SINCE })
    return error.message === `the signer of process ${process.pid}, since ${SINCE}`
  })
  await first.close()
  assert.equal((await opened(lockOf(t, path))).known, true)
})

test('another process is kept out, and no longer than the owner lives, however it ends', async (t) => {
  const path = join(temporaryFolder(t), 'lock')
  const child = await holding(t, path)
  await assert.rejects(lockOf(t, path).ready(), (error: InUse) => error.holder?.pid === child.pid)
  child.kill('SIGKILL')
  await once(child, 'close')
  await opened(lockOf(t, path))
})

test('a process that finds its own number in the file of one that was killed is not kept out', async (t) => {
  const path = join(temporaryFolder(t), 'lock')
  const own: Holder = { pid: process.pid, role: 'pinner', since: SINCE }
  writeFileSync(path, JSON.stringify(own) + '\n')
  assert.equal((await opened(lockOf(t, path))).known, true)
})

test('a child of the owner does not inherit the lock', async (t) => {
  const path = join(temporaryFolder(t), 'lock')
  const owner = await opened(lockOf(t, path))
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  closeAfter(t, () => child.kill('SIGKILL'))
  await once(child, 'spawn')
  await owner.close()
  await opened(lockOf(t, path))
})

test('a file that its owner has removed meanwhile is made again', async (t) => {
  const path = join(temporaryFolder(t), 'lock')
  const first = await opened(lockOf(t, path))
  rmSync(path)
  const second = await opened(lockOf(t, path))
  assert.equal(second.known, false)
  await first.close()
  await assert.rejects(lockOf(t, path).ready(), InUse)
})

test('what the file says, however wrong, keeps nobody out', async (t) => {
  const path = join(temporaryFolder(t), 'lock')
  for (const text of ['', '{', 'null', '{"pid":"1"}', 'x'.repeat(1 << 20), '\0\0\0']) {
    writeFileSync(path, text)
    const lock = await opened(lockOf(t, path))
    assert.deepEqual((JSON.parse(readFileSync(path, 'utf8')) as Holder).pid, process.pid)
    await lock.close()
  }
})

test('an owner that has not said who it is is another process', async (t) => {
  const path = join(temporaryFolder(t), 'lock')
  await holding(t, path)
  writeFileSync(path, '')
  await assert.rejects(lockOf(t, path).ready(), /^Error: another process$/)
})

test('a file system without locks is an error that says what to do', (t) => {
  // No such file system can be mounted everywhere: this is what the kernel says on one.
  const hook = join(temporaryFolder(t), 'hook.cjs')
  writeFileSync(
    hook,
    `const locks = require(${JSON.stringify(fileURLToPath(import.meta.resolve('fs-native-extensions')))})
     locks.tryLock = () => { throw Object.assign(new Error('no locks available'), { code: 'ENOLCK' }) }`
  )
  const path = join(temporaryFolder(t), 'lock')
  const run = spawnSync(process.execPath, ['--require', hook, HOLDER, path], { encoding: 'utf8' })
  assert.match(run.stderr, /FOLDER_NO_LOCKS/)
  assert.match(run.stderr, /choose a folder on a local disk/)
  assert.equal(run.status, 1)
})
