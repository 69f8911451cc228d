import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.js'
import { backUp, restore } from '../../src/daemon/backup.js'
import { opened, using } from '../../src/lifecycle.js'
import { RoleFolder } from '../../src/roles/data-folder.js'
import { PinnerStore } from '../../src/storage/pinner-store.js'
import { loadIdentity } from '../../src/swarm/identity.js'
import { callProgram } from '../cli/program.js'
import { closeAfter } from '../helpers/close-after.js'
import { temporaryFolder } from '../helpers/folder.js'

const options = { clock: systemClock, signal: new AbortController().signal }
const roleFolder = (path: string): RoleFolder =>
  new RoleFolder({ path, role: 'pinner', clock: systemClock, randomBytes })

/** A folder of an operator with a pinner that has run, and a file of 3 MB behind a link. */
async function operatorFolder(root: string): Promise<string> {
  const dir = join(root, 'operator')
  const pinner = join(dir, 'pinner')
  await using(roleFolder(pinner), async () => {
    await loadIdentity(pinner, randomBytes)
    await using(new PinnerStore(join(pinner, 'copies')), () => Promise.resolve())
  })
  writeFileSync(join(dir, 'node.toml'), 'data = "."\n')
  writeFileSync(join(pinner, 'log.ndjson'), 'a line\n')
  const disk = join(root, 'disk')
  mkdirSync(disk)
  writeFileSync(join(disk, 'large'), randomBytes(3_000_001))
  writeFileSync(join(disk, 'empty'), '')
  symlinkSync(disk, join(pinner, 'linked'))
  return dir
}

/** Bytes and modes of what lies below a folder. */
function contents(dir: string, path = ''): Record<string, string> {
  return Object.assign(
    {},
    ...readdirSync(join(dir, path)).map((name) => {
      const at = join(path, name)
      const found = statSync(join(dir, at))
      if (found.isDirectory()) return contents(dir, at)
      return { [at]: `${(found.mode & 0o777).toString(8)} ${readFileSync(join(dir, at)).toString('hex')}` }
    })
  ) as Record<string, string>
}

test('what is restored has the bytes and modes of what was backed up, and is another instance that opens', async (t) => {
  const root = temporaryFolder(t)
  const dir = await operatorFolder(root)
  const before = contents(dir)
  const [to, again] = [join(root, 'far', 'backup'), join(root, 'again')]
  const saved = await backUp(dir, to, options)
  assert.deepEqual(await restore(to, again, options), saved)
  const after = contents(again)
  for (const name of Object.keys(before)) {
    const isLeftOut = /(^|\/)(instance|CORESTORE|role\.json|store\.json|log\.ndjson)$/.test(name)
    assert.equal(after[name], isLeftOut ? undefined : before[name], name)
  }
  assert.equal(Object.keys(after).length, saved.files)
  assert.match(after['pinner/identity']!, /^600 /)
  const pinner = join(again, 'pinner')
  const was = JSON.parse(readFileSync(join(dir, 'pinner', 'instance'), 'utf8')) as { instance: string }
  const folder = roleFolder(pinner)
  await using(folder, async () => {
    assert.notEqual(folder.instance.toString('hex'), was.instance)
    assert.deepEqual(
      (await loadIdentity(pinner, randomBytes)).publicKey,
      (await loadIdentity(join(dir, 'pinner'), randomBytes)).publicKey
    )
    await using(new PinnerStore(join(pinner, 'copies')), () => Promise.resolve())
  })
})

test('a folder is not copied while somebody runs it, who is named, and nothing is left', async (t) => {
  const root = temporaryFolder(t)
  const dir = await operatorFolder(root)
  const running = await opened(roleFolder(join(dir, 'pinner')))
  closeAfter(t, () => running.close())
  await assert.rejects(backUp(dir, join(root, 'a', 'backup'), options), {
    code: 'DATA_IN_USE',
    message: new RegExp(`the pinner of process ${process.pid}, since`)
  })
  assert.equal(existsSync(join(root, 'a')), false)
  await running.close()
  await backUp(join(dir, 'pinner'), join(root, 'a', 'backup'), options)
})

test('a backup of which a byte or a file is lost is not restored, and nothing is left', async (t) => {
  const root = temporaryFolder(t)
  const to = join(root, 'backup')
  await backUp(await operatorFolder(root), to, options)
  const large = join(to, 'pinner', 'linked', 'large')
  const bytes = readFileSync(large)
  bytes[2_000_000]! ^= 1
  writeFileSync(large, bytes)
  await assert.rejects(restore(to, join(root, 'again'), options), {
    code: 'BACKUP_DAMAGED',
    message: /linked\/large is not what it was/
  })
  rmSync(large)
  mkdirSync(join(root, 'mine'))
  await assert.rejects(restore(to, join(root, 'mine'), options), { code: 'BACKUP_DAMAGED' })
  assert.equal(existsSync(join(root, 'again')), false)
  assert.deepEqual(readdirSync(join(root, 'mine')), [], 'a folder that was there stays')
})

test('what is no whole backup is not restored, nor one that would be written elsewhere', async (t) => {
  const root = temporaryFolder(t)
  const to = join(root, 'backup')
  await backUp(await operatorFolder(root), to, options)
  const path = join(to, 'backup.json')
  const text = readFileSync(path, 'utf8')
  const manifest = JSON.parse(text) as { files: { path: string }[] }
  const none = (): Promise<void> =>
    assert.rejects(restore(to, join(root, 'again'), options), { code: 'BACKUP_NONE' })
  for (const elsewhere of ['../x', '/x', 'a//x', 'a/./x', 'a/../../x', '..', '', 'a\\x', 'a\0x']) {
    writeFileSync(path, JSON.stringify({ ...manifest, files: [{ ...manifest.files[0], path: elsewhere }] }))
    await none()
  }
  for (const changed of [{ bytes: -1 }, { mode: 0o4755 }, { hash: 'ab' }]) {
    writeFileSync(path, JSON.stringify({ ...manifest, files: [{ ...manifest.files[0], ...changed }] }))
    await none()
  }
  for (const broken of [text.slice(0, -10), '', 'null', '[]', JSON.stringify({ ...manifest, format: 2 })]) {
    writeFileSync(path, broken)
    await none()
  }
  rmSync(path)
  await none()
})

test('a chain is not copied', async (t) => {
  const root = temporaryFolder(t)
  const dir = await operatorFolder(root)
  mkdirSync(join(dir, 'chain'))
  writeFileSync(join(dir, 'chain', 'identity'), '')
  writeFileSync(join(dir, 'chain', 'ledger.db'), '')
  await assert.rejects(backUp(dir, join(root, 'backup'), options), { code: 'BACKUP_CHAIN' })
  assert.equal(existsSync(join(root, 'backup')), false)
})

test('a copy that is stopped leaves nothing', async (t) => {
  const root = temporaryFolder(t)
  const dir = await operatorFolder(root)
  const stopped = { ...options, signal: AbortSignal.abort(new Error('stopped')) }
  await assert.rejects(backUp(dir, join(root, 'backup'), stopped), /stopped/)
  assert.equal(existsSync(join(root, 'backup')), false)
})

test('datdot backup and restore say what they copied, and in one line why not', async (t) => {
  const root = temporaryFolder(t)
  const dir = await operatorFolder(root)
  const [to, again] = [join(root, 'backup'), join(root, 'again')]
  const saved = await callProgram(t, ['backup', dir, to, '--json'])
  const restored = await callProgram(t, ['restore', to, again, '--json'])
  assert.deepEqual([saved.code, restored.code], [0, 0], saved.stderr + restored.stderr)
  const { event, files, bytes } = JSON.parse(saved.stdout) as Record<string, unknown>
  assert.equal(event, 'backup')
  assert.deepEqual(JSON.parse(restored.stdout), {
    ...(JSON.parse(saved.stdout) as object),
    event: 'restore',
    from: to,
    to: again
  })
  assert.ok((files as number) > 5 && (bytes as number) > 3_000_000)

  const refused: [string[], string][] = [
    [['backup', dir, to], 'DATA_NOT_EMPTY'],
    [['restore', to, again], 'DATA_NOT_EMPTY'],
    [['backup', join(root, 'disk'), join(root, 'other')], 'BACKUP_NOTHING'],
    [['backup', dir, join(dir, 'inside')], 'BACKUP_NOTHING'],
    [['backup', join(root, 'nowhere'), join(root, 'other')], 'DATA_NOT_WRITABLE'],
    [['restore', dir, join(root, 'other')], 'BACKUP_NONE'],
    [['backup', dir], 'OPTION_MISSING'],
    [['restore', to, again, 'more'], 'OPTION_MISSING']
  ]
  for (const [args, code] of refused) {
    const { code: exitCode, stderr } = await callProgram(t, args)
    assert.equal(exitCode, 2, args.join(' '))
    assert.match(stderr, new RegExp(`^datdot: [^\\n]* \\[${code}\\]\\n$`))
  }
  assert.equal(existsSync(join(root, 'other')), false)
})
