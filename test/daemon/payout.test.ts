import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { encode } from 'hypercore-id-encoding'
import { startProgram, until } from '../cli/program.js'
import { temporaryFolder } from '../helpers/folder.js'
import { privateDht } from '../helpers/network.js'
import { json, objects, said, startChain } from './programs.js'

test('every role pays out to the account that its command line names', async (t) => {
  const network = await privateDht(t)
  const bootstrap = network.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
  const root = temporaryFolder(t)
  const [keys] = await json(t, ['init', 'chain', join(root, 'op'), '--fast', '--bootstrap', bootstrap])
  const { chain: key, file } = keys as { chain: string; file: string }
  await startChain(t, file)
  const payout = encode(Buffer.alloc(32, 7))
  for (const role of ['pinner', 'signer', 'verifier']) {
    const where = ['--data', join(root, role), '--chain', key, '--bootstrap', bootstrap]
    const program = startProgram(t, [role, ...where, '--payout', payout, '--json'])
    await until(program, () => said(program, 'ready'))
    const { key: own } = objects(program.stdout()).find(({ event }) => event === 'opened')!
    const [, row] = await json(t, ['balance', own!, '--config', file])
    assert.equal(row!.role, role)
    assert.equal(row!.payout, payout)
  }
})
