import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runProgram, startProgram, until, type Program } from '../cli/program.js'
import { temporaryFolder } from '../helpers/folder.js'
import { SHORT } from '../helpers/form.js'
import { privateDht } from '../helpers/network.js'
import { json, kill, said, startChain } from './programs.js'

/** How often something is killed while an author publishes, and bytes of a file. */
const KILLS = SHORT ? 3 : 20
const BYTES = SHORT ? 2_000_000 : 20_000_000
const NODES = 3
const ROLES = 'pinner,signer,verifier'

test('chain and nodes are killed at random while copies are made, then all at once: what was published is read back and the log holds', async (t) => {
  const network = await privateDht(t)
  const bootstrap = network.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
  const root = temporaryFolder(t)
  const [made] = await json(t, ['init', 'chain', join(root, 'op'), '--fast', '--bootstrap', bootstrap])
  const { chain: key, file } = made as { chain: string; file: string }
  let chain = await startChain(t, file)
  const files: string[] = []
  for (let i = 0; i < NODES; i++) {
    const dir = join(root, `node-${i}`)
    const args = ['init', 'node', dir, '--chain', key, '--roles', ROLES, '--bootstrap', bootstrap]
    files.push((await json(t, args))[0]!.file!)
  }
  const start = (config: string): Program => startProgram(t, ['node', '--config', config, '--json'])
  const nodes = files.map(start)
  const allReady = () => Promise.all(nodes.map((node) => until(node, () => said(node, 'ready'))))
  await allReady()

  const [folder, out] = [join(root, 'folder'), join(root, 'out')]
  const plain = randomBytes(BYTES)
  mkdirSync(folder)
  writeFileSync(join(folder, 'file'), plain)
  const author = startProgram(t, ['publish', folder, '--codec', 'wrap', '--config', file, '--json'])
  await until(author, () => said(author, 'supported'))
  for (let left = KILLS; left > 0; left--) {
    await sleep(randomInt(3_000))
    const which = randomInt(NODES + 1)
    t.diagnostic(`kill -9 of ${which === NODES ? 'the chain' : files[which]}`)
    if (which === NODES) {
      await kill(chain)
      chain = await startChain(t, file)
    } else {
      await kill(nodes[which]!)
      nodes[which] = start(files[which]!)
    }
  }
  assert.equal(await author.ended, 0, author.stderr())
  assert.ok(said(author, 'kept'))

  // The whole machine goes down, and comes up again.
  await Promise.all([chain, ...nodes].map(kill))
  chain = await startChain(t, file)
  for (const [at, config] of files.entries()) nodes[at] = start(config)
  await allReady()
  const drive = JSON.parse(author.stdout().split('\n')[0]!) as { key: string }
  await json(t, ['get', drive.key, out, '--bootstrap', bootstrap])
  assert.ok(plain.equals(readFileSync(join(out, 'files', 'file'))))
  for (const program of [...nodes, chain]) {
    program.child.kill('SIGTERM')
    assert.equal(await program.ended, 0, program.stderr())
  }
  const audit = await runProgram(t, ['audit', join(root, 'op'), '--structural'])
  assert.equal(audit.code, 0, audit.stdout + audit.stderr)
})
