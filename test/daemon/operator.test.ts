import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.js'
import { lookAtClock, lookAtNode } from '../../src/daemon/doctor.js'
import { runProgram, startProgram, until } from '../cli/program.js'
import { temporaryFolder } from '../helpers/folder.js'
import { freePort } from '../helpers/free-port.js'
import { privateDht } from '../helpers/network.js'
import { json, objects, said, startChain } from './programs.js'

test('an operator looks at its machine and what it may earn, follows its copies, and retires', async (t) => {
  const network = await privateDht(t)
  const bootstrap = network.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
  const root = temporaryFolder(t)
  const [keys] = await json(t, ['init', 'chain', join(root, 'op'), '--fast', '--bootstrap', bootstrap])
  const { chain: key, file } = keys as { chain: string; file: string }
  const chain = await startChain(t, file)

  // Beside nobody it would get all copies, and its 200 datdots back no more than they do.
  const [alone] = await json(t, ['estimate', '--capacity', '300GiB', '--config', file])
  assert.deepEqual([alone!.pinners, alone!.sharePpm, alone!.countedBytes], [0, 1_000_000, 200 * 2 ** 30])
  assert.ok(BigInt(alone!.fullMonth!) > 0n && alone!.expectedMonth === '0')

  const joining = ['--chain', key, '--bootstrap', bootstrap, '--roles', 'pinner,signer,verifier']
  const [made] = await json(t, ['init', 'node', join(root, 'node'), ...joining])
  const http = `127.0.0.1:${await freePort()}`
  const node = startProgram(t, ['node', '--config', made!.file!, '--http', http, '--json'])
  await until(node, () => said(node, 'ready'))
  const [beside] = await json(t, ['estimate', '--capacity', '300GiB', '--config', file])
  assert.equal(beside!.pinners, 1)
  assert.ok(Number(beside!.sharePpm) < 1_000_000)

  const findings = objects((await runProgram(t, ['doctor', '--config', made!.file!, '--json'])).stdout)
  const states = Object.fromEntries(findings.map(({ name, state }) => [name!, state])) as Record<
    string,
    string
  >
  const names = ['Node', 'native code', 'disk space', 'disk speed', 'open files', 'UDP', 'chain', 'clock']
  assert.deepEqual(Object.keys(states), names)
  for (const name of ['Node', 'native code', 'UDP', 'chain', 'clock'])
    assert.equal(states[name], 'good', name)
  assert.ok(!readdirSync(join(root, 'node')).includes('.doctor'))

  const watcher = startProgram(t, ['watch', '--config', file, '--json'])
  await until(watcher, () => said(watcher, 'watching'))
  const folder = join(root, 'folder')
  mkdirSync(folder)
  writeFileSync(join(folder, 'file'), randomBytes(100_000))
  const args = ['publish', folder, '--copies', '1', '--codec', 'wrap', '--config', file]
  const drive = (await json(t, args))[0]!.key!
  await until(watcher, () => said(watcher, 'activated') && said(watcher, 'settled'))
  const [settled] = objects(watcher.stdout()).filter(({ event }) => event === 'settled')
  assert.equal(settled!.outcome, 'success')
  watcher.child.kill('SIGINT')
  assert.equal(await watcher.ended, 0)

  const [listed] = await json(t, ['list', '--config', file])
  assert.ok(Number(listed!.daysLeft) > 0 && BigInt(listed!.costPerDay!) > 0n)
  let copy: Record<string, string> = {}
  while (copy.proof === undefined) copy = (await json(t, ['status', drive, '--config', file]))[1]!
  assert.equal(copy.proof, 'success')

  const metrics = await (await fetch(`http://${http}/metrics`)).text()
  for (const name of [
    'hyperswarm_',
    'dht_',
    'hypercore_',
    'datdot_ready 1',
    'datdot_challenges_total\\{role="pinner",outcome="success"\\} ',
    'datdot_paid_datdots_total\\{role="pinner"\\} ',
    'nodejs_eventloop_lag_seconds '
  ]) {
    assert.match(metrics, new RegExp(`^${name}`, 'm'))
  }

  // The chain's epochs are short here: the pause covers whole ones.
  const announced = await json(t, ['pause', '1s', '--in', '1h', '--config', made!.file!])
  assert.ok(Number(announced[0]!.until) > Number(announced[0]!.from))
  const [, ofPinner] = await json(t, ['status', drive, '--config', file])
  assert.ok(Number(ofPinner!.pauseUntil) > Number(ofPinner!.pauseFrom))
  const twice = await runProgram(t, ['pause', '1s', '--config', made!.file!])
  assert.equal(twice.code, 1)
  assert.match(twice.stderr, /is not over/)
  assert.deepEqual(await json(t, ['pause', 'end', '--config', made!.file!]), [
    { event: 'paused', from: null, until: null }
  ])
  assert.equal((await runProgram(t, ['pause', 'tomorrow', '--config', made!.file!])).code, 2)

  const [retired] = await json(t, ['retire', 'verifier', '--config', made!.file!])
  assert.ok(['retiring', 'retired'].includes(retired!.state!))
  const again = await runProgram(t, ['retire', 'king', '--config', made!.file!])
  assert.deepEqual([again.code, again.stdout], [2, ''])
  for (const program of [node, chain]) {
    program.child.kill('SIGTERM')
    assert.equal(await program.ended, 0, program.stderr())
  }
  // Without its chain the machine is not fit.
  const without = await runProgram(t, ['doctor', '--config', made!.file!, '--json'])
  assert.equal(without.code, 1)
  const poor = objects(without.stdout).find(({ name }) => name === 'chain')!
  assert.ok(poor.state === 'poor' && poor.remedy !== '')
})

test('a doctor tells what is poor, and how to mend it', () => {
  assert.equal(lookAtNode('v20.18.9').state, 'poor')
  assert.match(lookAtNode('v18.0.0').remedy, /install Node/)
  assert.equal(lookAtNode('v24.0.0').state, 'good')
  assert.match(lookAtClock(systemClock.wall() - 120_000, systemClock).remedy, /NTP/)
})

test('bash completes commands and the options of a command', async (t) => {
  const { stdout } = await runProgram(t, ['completion', 'bash'])
  const complete = (words: string, at: number): string[] => {
    const script = `datdot() { echo 'Usage: --data DIR --chain KEY'; }
${stdout}
COMP_WORDS=(${words}) COMP_CWORD=${at}; _datdot; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n')
  }
  assert.deepEqual(complete('datdot ver', 1), ['verifier', 'verify-draw'])
  assert.deepEqual(complete('datdot node --c', 2), ['--chain'])
  for (const shell of ['zsh', 'fish'])
    assert.match((await runProgram(t, ['completion', shell])).stdout, /verify-draw/)
})
