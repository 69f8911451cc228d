import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as idEncoding from 'hypercore-id-encoding'
import { RoleFolder } from '../../src/roles/data-folder.js'
import { systemClock } from '../../src/clock.js'
import { opened as openedFolder } from '../../src/lifecycle.js'
import { consume } from '../../src/local/consume.js'
import { leftRunning, startProgram, until } from '../cli/program.js'
import { findSamples, samplesOf } from '../helpers/scan.js'
import { RoleNetwork } from './network.js'

test('a pinner in a process of its own takes, holds and serves a copy', async (t) => {
  const verifiers = ['verifier-1', 'verifier-2', 'verifier-3']
  const network = await RoleNetwork.start(t, ['pinner', 'signer-1', ...verifiers])
  const dir = join(network.root, 'pinner')
  const bootstrap = network.network.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
  const chain = idEncoding.encode(network.chain.publicKey)
  const args = ['pinner', '--data', network.root, '--chain', chain, '--bootstrap', bootstrap, '--json']
  const pinner = startProgram(t, args)
  await until(pinner, () => pinner.stdout().includes('"started"'))
  const [opened] = pinner.stdout().split('\n')
  const { key } = JSON.parse(opened!) as { key: string }
  await network.startRole('signer', 'signer-1')
  for (const name of verifiers) await network.startRole('verifier', name)

  const plain = randomBytes(400_000)
  const { driveKey, hypercores } = await network.keep({ 'some file': plain }, { copies: 1, codec: 'seal' })
  const holders = await network.holders(hypercores[1]!)
  assert.deepEqual(
    holders.map((holder) => idEncoding.encode(holder.pinner)),
    [key]
  )
  const [{ copy }] = holders as [(typeof holders)[0]]
  await network.until('a passed challenge', () => network.settled(copy, 'success') > 0)

  const out = join(network.root, 'consumer')
  const signal = new AbortController().signal
  const read = await consume({ network: network.network, key: driveKey, core: false, out, signal })
  assert.equal(read.files, 1)
  assert.deepEqual(readFileSync(join(out, 'files', 'some file')), plain)
  assert.deepEqual(await findSamples(dir, samplesOf(plain, 50)), [])

  pinner.child.kill('SIGINT')
  assert.equal(await pinner.ended, 0, pinner.stderr())
  assert.equal(leftRunning(pinner.child), false)
  assert.match(pinner.stdout(), /"closed"/)
  const again = await openedFolder(
    new RoleFolder({ path: dir, role: 'pinner', clock: systemClock, randomBytes })
  )
  await again.close()
})
