import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { decode } from 'hypercore-id-encoding'
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { silentLogger } from '../../src/log.js'
import { Member } from '../../src/roles/member.js'
import { startProgram, until, type Program } from '../cli/program.js'
import { temporaryFolder } from '../helpers/folder.js'
import { privateDht } from '../helpers/network.js'
import { json, kill, objects, said, startChain } from './programs.js'
import { closeAfter } from '../helpers/close-after.js'

const now = (): number => systemClock.now()
/** Far beyond what a busy machine needs: how long it takes is told, and held against limits by `check:daemons`. */
const NOTHING_HEARD_MS = 120_000

/** A chain in a process of its own, and a member of it in this one that follows its log. */
async function followedChain(t: TestContext) {
  const network = await privateDht(t)
  const bootstrap = network.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
  const root = temporaryFolder(t)
  const [keys] = await json(t, ['init', 'chain', join(root, 'op'), '--fast', '--bootstrap', bootstrap])
  const { chain: key, file } = keys as { chain: string; file: string }
  const chain = await startChain(t, file)
  const member = await opened(
    new Member({
      dir: join(root, 'member'),
      network,
      chainKey: decode(key),
      clock: systemClock,
      randomBytes,
      log: silentLogger
    })
  )
  closeAfter(t, () => member.close())
  /** When the newest entry was heard, and when an entry last had this effect. */
  const heard = { at: 0, settled: 0 }
  member.run('follow', async () => {
    for await (const { effects } of member.chain.events({ from: 0, signal: member.signal })) {
      heard.at = now()
      if (effects?.effects.some((one) => one.kind === 'settled' && one.outcome === 'success'))
        heard.settled = now()
    }
  })
  const hear = async (what: keyof typeof heard, since: number): Promise<number> => {
    while (heard[what] <= since) {
      assert.ok(now() - since < NOTHING_HEARD_MS, `nothing ${what} for ${NOTHING_HEARD_MS} ms`)
      await sleep(10)
    }
    return heard[what] - since
  }
  await hear('at', 0)
  return { chain, file, key, root, bootstrap, member, hear }
}

test('a chain that is killed and comes back is heard and settles challenges; a pinner that is killed serves again what it holds', async (t) => {
  const { chain: first, file, key, root, bootstrap, hear } = await followedChain(t)
  let chain = first
  const joining = ['--chain', key, '--roles', 'pinner,signer,verifier', '--bootstrap', bootstrap]
  const [made] = await json(t, ['init', 'node', join(root, 'node'), ...joining])
  const start = (): Program => startProgram(t, ['node', '--config', made!.file!, '--json'])
  let node = start()
  const folder = join(root, 'folder')
  mkdirSync(folder)
  writeFileSync(join(folder, 'file'), randomBytes(100_000))
  await json(t, ['publish', folder, '--copies', '1', '--codec', 'wrap', '--config', file])
  await hear('settled', 0)

  await kill(chain)
  chain = await startChain(t, file)
  const back = now()
  t.diagnostic(`killed at once: heard after ${Math.round(await hear('at', back))} ms`)
  const settled = await hear('settled', back)

  // Away for a while: everybody has noticed, and tries again.
  await kill(chain)
  await sleep(4_000)
  chain = await startChain(t, file)
  const late = now()
  const heard = await hear('at', late)
  t.diagnostic(
    `away for 4 s: heard after ${Math.round(heard)} ms, first settled after ${Math.round(settled)} ms`
  )

  await kill(node)
  const started = now()
  node = start()
  await until(node, () => said(node, 'pinner.serving'))
  t.diagnostic(`a pinner serves ${Math.round(now() - started)} ms after its process was started`)
  assert.equal(objects(node.stdout()).find(({ event }) => event === 'pinner.serving')!.hypercores, 2)
})

test('a chain that stands still for a while loses no request', async (t) => {
  const { chain, member } = await followedChain(t)
  const { length } = (await member.chain.info()).chain
  chain.child.kill('SIGSTOP')
  const asked = member.chain.events({ from: length + 1 }).next()
  const summary = member.chain.summary({ timeoutMs: 60_000 })
  await sleep(4_000)
  chain.child.kill('SIGCONT')
  assert.ok((await asked).value)
  assert.equal((await summary).sum, 0n)
})
