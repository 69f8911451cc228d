import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { opened, using } from '../src/lifecycle.js'
import { TemporaryFolder } from '../src/temporary-folder.js'
import { closeAfter } from './helpers/close-after.js'

/** Temporary files of this test alone. */
function ownTmp(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'datdot-tmp-'))
  const { TMPDIR } = process.env
  process.env.TMPDIR = folder
  closeAfter(t, () => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
    rmSync(folder, { recursive: true })
  })
  return folder
}

/** Has another process open a temporary folder, write into it and be killed. */
async function killedWith(prefix: string): Promise<void> {
  const source = new URL('../src/temporary-folder.js', import.meta.url).href
  const program = `
    import { writeFileSync } from 'node:fs'
    import { join } from 'node:path'
    const { TemporaryFolder } = await import(${JSON.stringify(source)})
    const folder = new TemporaryFolder(${JSON.stringify(prefix)})
    await folder.ready()
    writeFileSync(join(folder.path, 'half'), 'of it')
    process.stdout.write('ready')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('a temporary folder is there while it is open, and gone with all that is in it when it is closed', async (t) => {
  const tmp = ownTmp(t)
  await using(new TemporaryFolder('datdot-some-'), ({ path }) => {
    assert.deepEqual(readdirSync(path), [])
    writeFileSync(join(path, 'file'), '')
    return Promise.resolve()
  })
  assert.deepEqual(readdirSync(tmp), [])
})

test('what a killed process left goes with the next folder of its kind, and nothing else does', async (t) => {
  const tmp = ownTmp(t)
  const other = await opened(new TemporaryFolder('datdot-other-'))
  const open = await opened(new TemporaryFolder('datdot-some-'))
  mkdtempSync(join(tmp, 'datdot-some-'))
  await killedWith('datdot-some-')
  await killedWith('datdot-other-')
  assert.equal(readdirSync(tmp).length, 5)

  await using(new TemporaryFolder('datdot-some-'), () => Promise.resolve())
  assert.equal(readdirSync(tmp).length, 4, 'one was left by a killed process of this kind')
  assert.ok(existsSync(open.path) && existsSync(other.path))
  await open.close()
  await other.close()
})
