import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runProgram, startProgram, until, type Program } from '../cli/program.js'
import { json, objects, said } from '../daemon/programs.js'
import { temporaryFolder } from '../helpers/folder.js'
import { freePort } from '../helpers/free-port.js'
import { SHORT } from '../helpers/form.js'
import { privateDht } from '../helpers/network.js'
import { FailingDisk } from './failing-disk.js'

const BYTES = SHORT ? 3_000_000 : 14_000_000
/** How long a disk fails. */
const FAILS_MS = SHORT ? 2_000 : 5_000
/** For what must come about: a machine may be busy, and pauses between tries grow to half a minute. */
const PATIENCE_MS = 60_000

/** Waits for what a program brings about, with a limit. */
async function soon(program: Program, what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS
  while (!(await holds())) {
    assert.ok(Date.now() < end, `${what} did not come about within ${PATIENCE_MS} ms\n${program.stdout()}`)
    assert.equal(program.child.exitCode, null, `the program ended: ${program.stderr()}`)
    await sleep(50)
  }
}

/** The lines of a role's log. */
function logOf(dir: string): Record<string, unknown>[] {
  return objects(readFileSync(join(dir, 'log.ndjson'), 'utf8'))
}

/** A chain, two nodes of all roles and an author, whose disks fail each for itself. */
async function network(t: TestContext) {
  const { bootstrap: nodes } = await privateDht(t)
  const bootstrap = nodes.map(({ host, port }) => `${host}:${port}`).join()
  const root = temporaryFolder(t)
  const [made] = await json(t, ['init', 'chain', join(root, 'op'), '--fast', '--bootstrap', bootstrap])
  const { chain: key, file } = made as { chain: string; file: string }
  const start = async (args: string[]) => {
    const disk = FailingDisk.build(t)
    const port = await freePort()
    const program = startProgram(
      t,
      [...args, '--json', '--log-level', 'debug', '--http', `127.0.0.1:${port}`],
      { env: disk.env }
    )
    const ready = async (): Promise<string> =>
      (await fetch(`http://127.0.0.1:${port}/ready`)).text().catch(() => '')
    const metric = async (name: string): Promise<string | undefined> => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      return text.split('\n').find((line) => line.startsWith(name))
    }
    return { program, disk, ready, metric }
  }
  const chain = await start(['chain', '--config', file])
  await until(chain.program, () => said(chain.program, 'started'))
  const node = async (name: string) => {
    const dir = join(root, name)
    const args = ['init', 'node', dir, '--chain', key, '--roles', 'pinner,signer,verifier']
    const [{ file: config }] = (await json(t, [...args, '--bootstrap', bootstrap])) as [{ file: string }]
    const started = await start(['node', '--config', config])
    await until(started.program, () => said(started.program, 'ready'))
    return { ...started, dir }
  }
  const roles = [await node('node-1'), await node('node-2')]
  const plain = randomBytes(BYTES)
  mkdirSync(join(root, 'folder'))
  writeFileSync(join(root, 'folder', 'file'), plain)
  const author = startProgram(t, [
    ...['publish', join(root, 'folder'), '--codec', 'wrap', '--copies', '2'],
    ...['--config', file, '--json']
  ])
  const readBack = async (): Promise<void> => {
    const out = join(root, `out-${randomBytes(4).toString('hex')}`)
    const drive = JSON.parse(author.stdout().split('\n')[0]!) as { key: string }
    await json(t, ['get', drive.key, out, '--bootstrap', bootstrap])
    assert.ok(plain.equals(readFileSync(join(out, 'files', 'file'))))
  }
  return { root, key, file, bootstrap, chain, roles, author, readBack }
}

const settled = (dir: string, outcome: string): number =>
  logOf(join(dir, 'pinner')).filter((line) => line.event === 'pinner.settled' && line.outcome === outcome)
    .length

test('disks fail for a while, each in its turn: what works goes on, what does not says so, and all of it comes back by itself', async (t) => {
  const { root, chain, roles, author, readBack } = await network(t)
  const [first] = roles
  const { program, disk, dir } = first!
  const events = (): Record<string, unknown>[] => logOf(join(dir, 'pinner'))

  await t.test('a pinner whose disk fails in the midst of a transfer takes it in all the same', async () => {
    await soon(program, 'a segment that comes in', () =>
      events().some(({ event }) => event === 'pinner.receiving')
    )
    disk.fail('EIO-WRITE', '/pinner/copies')
    await soon(program, 'a word of it', async () => (await first!.ready()).startsWith('degraded: pinner: '))
    assert.match((await first!.metric('datdot_degraded{role="pinner"}'))!, / 1$/)
    await sleep(FAILS_MS)
    disk.heal()
    await soon(program, 'that it is well', async () => (await first!.ready()) === 'ready\n')
    assert.ok(events().some(({ event }) => event === 'role.reopened'))
    await soon(author, 'all copies', () => said(author, 'kept'))
    assert.equal(await author.ended, 0, author.stderr())
  })

  await t.test('reads that fail cost no challenge', async () => {
    await soon(program, 'a challenge that is passed', () => settled(dir, 'success') > 0)
    for (let times = SHORT ? 3 : 10; times > 0; times--) {
      disk.fail('EIO-READ', '/pinner/copies')
      await sleep(600)
      disk.heal()
      await sleep(400)
    }
    const before = settled(dir, 'success')
    await soon(program, 'another one that is passed', () => settled(dir, 'success') > before)
    assert.equal(settled(dir, 'refused'), 0)
    assert.equal(settled(dir, 'failure'), 0)
  })

  await t.test('a full disk takes nothing in, and what is held is served', async () => {
    disk.fail('ENOSPC', '/pinner/copies')
    await soon(program, 'a word of it', async () => (await first!.ready()).startsWith('degraded: pinner: '))
    const before = settled(dir, 'success')
    await soon(program, 'a challenge that is passed meanwhile', () => settled(dir, 'success') > before)
    await readBack()
    disk.heal()
    await soon(program, 'that it is well', async () => (await first!.ready()) === 'ready\n')
  })

  await t.test('a chain whose cores fail settles on once they are well', async () => {
    chain.disk.fail('EIO-WRITE', '/chain/cores')
    await soon(chain.program, 'a word of it', async () =>
      (await chain.ready()).startsWith('degraded: chain: ')
    )
    await sleep(FAILS_MS)
    chain.disk.heal()
    await soon(chain.program, 'that it is well', async () => (await chain.ready()) === 'ready\n')
    const before = settled(dir, 'success')
    await soon(program, 'a challenge that is passed', () => settled(dir, 'success') > before)
  })

  await t.test('a chain whose ledger fails goes on once it is well', async () => {
    for (const kind of ['EIO-WRITE', 'ENOSPC'] as const) {
      chain.disk.fail(kind, '/chain/ledger.db')
      await soon(chain.program, 'a word of it', async () =>
        (await chain.ready()).startsWith('degraded: chain: ')
      )
      await sleep(FAILS_MS)
      chain.disk.heal()
      await soon(chain.program, 'that it is well', async () => (await chain.ready()) === 'ready\n')
      const before = settled(dir, 'success')
      await soon(program, 'a challenge that is passed', () => settled(dir, 'success') > before)
    }
  })

  for (const { program: each } of [...roles, chain]) {
    each.child.kill('SIGTERM')
    assert.equal(await each.ended, 0, each.stderr())
  }
  const audit = await runProgram(t, ['audit', join(root, 'op'), '--structural'])
  assert.equal(audit.code, 0, audit.stdout + audit.stderr)
})
