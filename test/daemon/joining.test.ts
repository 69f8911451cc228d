import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { decode } from 'hypercore-id-encoding'
import { systemClock } from '../../src/clock.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { askFaucet } from '../../src/daemon/faucet.js'
import { Funding } from '../../src/daemon/funding.js'
import { createDht, createReachableDht, type Network } from '../../src/swarm/dht.js'
import { callProgram, runProgram, startProgram, until, type Program } from '../cli/program.js'
import { json, kill, objects, said, startChain } from './programs.js'
import { temporaryFolder } from '../helpers/folder.js'
import { privateDht } from '../helpers/network.js'
import { closeAfter } from '../helpers/close-after.js'

/** What the programs of these tests are given. */
interface Place {
  root: string
  network: Network
  bootstrap: string
}

async function place(t: TestContext): Promise<Place> {
  const network = await privateDht(t)
  const bootstrap = network.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
  return { root: temporaryFolder(t), network, bootstrap }
}

test('a stranger joins by invite or faucet; chain and roles go on after kill -9 and leave at SIGTERM', async (t) => {
  const { root, network, bootstrap } = await place(t)
  const [op, own] = [join(root, 'operator'), join(root, 'stranger')]
  const [keys] = await json(t, ['init', 'chain', op, '--fast', '--bootstrap', bootstrap])
  const { chain: key, file: chainFile } = keys as { chain: string; file: string }
  for (const name of ['chain', 'wallet', 'faucet']) {
    assert.equal(statSync(join(op, name, 'identity')).mode & 0o777, 0o600)
  }
  let chain = await startChain(t, chainFile)

  // A stranger with an invite of less than its roles need: the faucet is not asked, it waits, and goes on when the rest comes.
  const [invited] = await json(t, ['invite', '150', '--config', chainFile])
  const joining = ['--chain', key, '--bootstrap', bootstrap, '--roles', 'pinner,signer']
  const [made] = await json(t, ['init', 'node', own, ...joining])
  const start = (): Program =>
    startProgram(t, ['node', '--config', made!.file!, '--invite', invited!.code!, '--json'])
  let node = start()
  await until(node, () => said(node, 'role.waiting') || said(node, 'ready'))
  const waiting = objects(node.stdout()).find(({ event }) => event === 'role.waiting')
  if (waiting) await json(t, ['transfer', waiting.key!, '100', '--config', chainFile])
  await until(node, () => said(node, 'ready'))

  // Who has the folder is told.
  const second = await runProgram(t, ['pinner', '--config', made!.file!])
  assert.equal(second.code, 2)
  assert.match(
    second.stderr,
    new RegExp(`in use by the pinner of process ${node.child.pid}.*\\[DATA_IN_USE\\]`)
  )

  // All is killed at once, and goes on: the roles without their chain at first.
  await Promise.all([kill(chain), kill(node)])
  node = start()
  await until(node, () => said(node, 'opened'))
  chain = await startChain(t, chainFile)
  await until(node, () => said(node, 'ready'))
  const pinner = made!.pinner!
  const rows = await json(t, ['balance', pinner, '--config', chainFile])
  assert.deepEqual(rows[1], {
    event: 'role',
    role: 'pinner',
    state: 'active',
    deposit: '100000000',
    locked: '0',
    payout: pinner
  })

  // An author publishes, is told when it may leave, and leaves; what it wrote is read from the pinner.
  const [folder, out] = [join(root, 'folder'), join(root, 'out')]
  const plain = randomBytes(200_000)
  mkdirSync(folder)
  writeFileSync(join(folder, 'file'), plain)
  const published = await json(t, [
    'publish',
    folder,
    '--copies',
    '1',
    '--codec',
    'seal',
    '--refresh-after',
    '30d',
    '--config',
    chainFile
  ])
  assert.equal(published.at(-1)!.event, 'kept')
  const drive = published[0]!.key!
  const listed = await json(t, ['list', '--config', chainFile])
  assert.deepEqual(
    listed.map(({ state, whole, wanted }) => [state, whole, wanted]),
    [
      ['active', 1, 1],
      ['active', 1, 1]
    ]
  )
  const [planned, copy] = await json(t, ['status', drive, '--config', chainFile])
  assert.equal(Number(planned!.refreshAfterMs), 30 * 86_400_000)
  assert.equal(copy!.pinner, pinner)
  const [whole] = await json(t, ['status', '--config', chainFile])
  assert.equal(whole!.hypercores, 2)
  await json(t, ['donate', drive, '5', '--config', chainFile])
  const [price] = await json(t, ['support', drive, '--dry-run', '--config', chainFile])
  assert.ok(BigInt(price!.month!) > 0n)
  // Neither longer than a signer's lock, nor for a codec that has no keys.
  for (const [options, says] of [
    [['--refresh-after', '91d'], /7d to 90d/],
    [['--refresh-after', '30d', '--codec', 'wrap'], /is for seal/]
  ] as const) {
    const dry = await callProgram(t, ['support', drive, '--dry-run', ...options, '--config', chainFile])
    assert.equal(dry.code, 2)
    assert.match(dry.stderr, says)
    assert.match(dry.stderr, /\[OPTION_VALUE\]\n$/)
  }
  const [read] = await json(t, ['get', drive, out, '--bootstrap', bootstrap])
  assert.deepEqual(read, { event: 'read', kind: 'drive', files: 1, bytes: plain.byteLength })
  assert.ok(plain.equals(readFileSync(join(out, 'files', 'file'))))

  // The faucet gives to newcomers, once, and no more than a day allows.
  const dht = createDht(network)
  closeAfter(t, () => dht.destroy())
  const ask = (keyPair = keyPairFromSeed(randomBytes(32))): Promise<bigint> =>
    askFaucet(dht, {
      chainKey: decode(key),
      keyPair,
      clock: systemClock,
      signal: AbortSignal.timeout(60_000)
    })
  const newcomer = keyPairFromSeed(randomBytes(32))
  assert.equal(await ask(newcomer), 250_000_000n)
  await assert.rejects(ask(newcomer), { code: 'FAUCET_KNOWN' })
  await assert.rejects(askUntilEmpty(ask), { code: 'FAUCET_EMPTY' })

  // What nobody used comes back.
  const [unused] = await json(t, ['invite', '5', '--config', chainFile])
  assert.ok(unused!.code)
  const [back] = await json(t, ['invite', '--take-back', '--config', chainFile])
  assert.ok(BigInt(back!.amount!) >= 5_000_000n)

  for (const program of [node, chain]) {
    program.child.kill('SIGTERM')
    assert.equal(await program.ended, 0, program.stderr())
    assert.ok(said(program, 'closed'))
  }

  // Without its table there is no faucet.
  writeFileSync(chainFile, readFileSync(chainFile, 'utf8').replace(/\[faucet\][^]*/, ''))
  await startChain(t, chainFile)
  await assert.rejects(ask(), { code: 'FAUCET_NONE' })
})

/** More than a day's worth. */
async function askUntilEmpty(ask: () => Promise<bigint>): Promise<void> {
  for (let i = 0; i < 100; i++) await ask()
}

test('a code that no invite has is refused', () => {
  const options = { network: { bootstrap: [] }, chainKey: randomBytes(32), clock: systemClock, randomBytes }
  assert.throws(() => new Funding({ ...options, invite: 'come in' }), { code: 'INVITE_INVALID' })
})

test('the public DHT is out of bounds while DATDOT_PRIVATE_ONLY says so', () => {
  assert.equal(process.env.DATDOT_PRIVATE_ONLY, '1')
  assert.throws(() => createDht({ bootstrap: [] }), { code: 'DHT_PRIVATE_ONLY' })
})

test('a port that somebody has is told', async (t) => {
  const network = await privateDht(t)
  const { port } = network.bootstrap[0]!
  await assert.rejects(createReachableDht({ ...network, port }), { code: 'PORT_IN_USE' })
})
