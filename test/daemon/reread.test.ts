import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startProgram, until, type Program } from '../cli/program.js'
import { temporaryFolder } from '../helpers/folder.js'
import { privateDht } from '../helpers/network.js'
import { json, objects, said, startChain } from './programs.js'

/** What a program told of an event, the newest last. */
const told = (program: Program, event: string): Record<string, unknown>[] =>
  objects(program.stdout()).filter((line) => line.event === event)

/** Has a program read its settings again; resolves with how that ended. */
async function hangUp(program: Program): Promise<Record<string, unknown>> {
  const ends = (): Record<string, unknown>[] => [
    ...told(program, 'reread'),
    ...told(program, 'reread-failed')
  ]
  const before = ends().length
  program.child.kill('SIGHUP')
  await until(program, () => ends().length > before)
  return ends().at(-1)!
}

test('at SIGHUP a node offers the capacity and deposit that its file has now, within what its disk has room for, and a chain the limits of its faucet', async (t) => {
  const network = await privateDht(t)
  const bootstrap = network.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
  const root = temporaryFolder(t)
  const [keys] = await json(t, ['init', 'chain', join(root, 'op'), '--fast', '--bootstrap', bootstrap])
  const { chain: key, file: chainFile } = keys as { chain: string; file: string }
  const chain = await startChain(t, chainFile)
  const joining = ['--chain', key, '--roles', 'pinner', '--bootstrap', bootstrap]
  const [made] = await json(t, ['init', 'node', join(root, 'node'), ...joining])
  const file = made!.file!
  const edit = (from: RegExp, to: string): void =>
    writeFileSync(file, readFileSync(file, 'utf8').replace(from, to))

  // No disk has as much: nothing is offered, and it is said.
  edit(/reserve = .*/, 'reserve = "200TiB"')
  const reserved = startProgram(t, ['node', '--config', file, '--json'])
  await until(reserved, () => said(reserved, 'ready'))
  const [cut] = told(reserved, 'pinner.capacity-cut')
  assert.deepEqual([cut!.wanted, cut!.capacityBytes, cut!.reserveBytes], [64 * 2 ** 30, 0, 200 * 2 ** 40])
  reserved.child.kill('SIGTERM')
  assert.equal(await reserved.ended, 0)

  edit(/reserve = .*/, 'reserve = "64MiB"')
  edit(/capacity = .*/, 'capacity = "1MiB"')
  const node = startProgram(t, ['node', '--config', file, '--json'])
  await until(node, () => said(node, 'ready'))
  const offers = (): unknown[] => told(node, 'role.registered').map((one) => [one.capacityBytes, one.deposit])
  assert.deepEqual(offers(), [[1 << 20, '100000000']])

  edit(/capacity = .*/, 'capacity = "2MiB"')
  edit(/deposit = .*/, 'deposit = 110')
  assert.equal((await hangUp(node)).restart, null)
  await until(node, () => offers().length === 2)
  assert.deepEqual(offers()[1], [2 << 20, '110000000'])
  const account = await json(t, ['balance', '--from', 'pinner', '--config', file])
  assert.match(JSON.stringify(account), /"110000000"/)

  edit(/memory = .*/, 'memory = "32MiB"')
  assert.equal((await hangUp(node)).restart, 'what else changed of pinner')

  edit(/capacity = .*/, 'capacity = "much"')
  const failed = await hangUp(node)
  assert.match(String(failed.error), /node\.toml:\d+: capacity .*\[CONFIG_VALUE\]/)
  assert.equal(node.child.exitCode, null)

  writeFileSync(chainFile, readFileSync(chainFile, 'utf8').replace(/grant = .*/, 'grant = 3'))
  assert.equal((await hangUp(chain)).restart, null)
  node.child.kill('SIGTERM')
  assert.equal(await node.ended, 0, node.stderr())
})
