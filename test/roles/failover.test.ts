import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { opened } from '../../src/lifecycle.js'
import { PinnerStore } from '../../src/storage/pinner-store.js'
import { firstLine } from './process.js'
import { RoleNetwork } from './network.js'
import { equal } from '../../src/bytes.js'

const MIB = 1 << 20
const VERIFIERS = ['verifier-1', 'verifier-2', 'verifier-3']

test('a signer killed for good in the middle leaves half a segment, and another writes the rest', async (t) => {
  const names = ['signer-1', 'signer-2', 'pinner-1', 'pinner-2', ...VERIFIERS]
  const network = await RoleNetwork.start(t, names, {
    acknowledgeMs: 8_000,
    deliverBaseMs: 20_000,
    deliverBytesPerSecond: 100_000_000
  })
  const options = { runningRootBytes: MIB }
  await network.startRole('pinner', 'pinner-1')
  const dying = network.startProcess('signer', 'signer-1', options)
  const middle = firstLine(network.events, ({ event, bytes = 0 }) => {
    return event === 'pinner.provable' && bytes >= MIB
  })
  const killed = middle.then(() => dying.kill())
  const files = { 'film.bin': randomBytes(32 * MIB), 'title.txt': randomBytes(300) }
  const keeping = network.keep(files, { copies: 1, codec: 'wrap' })
  const { draw, chunks } = await middle
  await killed
  const half = firstLine(network.events, (line) => line.event === 'pinner.accepted' && line.draw === draw)
  // A pinner that was restarted meanwhile still has what the signer signed.
  await network.stopRole('pinner-1')
  await network.startRole('pinner', 'pinner-1')
  // Where the drive's other hypercore was not done before the kill, its pair has failed and is out for that copy.
  await network.startRole('pinner', 'pinner-2')
  const second = await network.startRole('signer', 'signer-2', options)
  const { start, end } = await half
  assert.equal(start, 0)
  assert.ok(end! >= chunks!)
  const { chain } = network.observer.member
  const blobs = async () => (await chain.hypercore((await keeping).hypercores[1]!))!
  const { driveKey } = await keeping

  await network.untilAnswered('the rest of the copy', async () => {
    const { copies, length } = await blobs()
    return copies[0]!.length === length
  })
  const { copies, length } = await blobs()
  assert.equal(copies.length, 1)
  const [{ id, segments }] = copies as [(typeof copies)[0]]
  // The rest may come in parts, too, where the time of a draw is short for a machine that does much else.
  const [first, ...rest] = segments
  assert.deepEqual([first!.start, first!.end], [0, end])
  assert.ok(!equal(first!.signer, second.publicKey))
  assert.deepEqual(
    [end, ...rest.map((segment) => segment.end)],
    [...rest.map((segment) => segment.start), length]
  )
  assert.ok(rest.length > 0 && rest.every(({ signer }) => equal(signer, second.publicKey)))

  for (const name of VERIFIERS) await network.startRole('verifier', name)
  const before = network.settled(id, 'success')
  await network.until('challenges of the whole copy', () => network.settled(id, 'success') > before + 1)
  assert.equal(network.settled(id, 'failure') + network.settled(id, 'refused'), 0)
  await network.read(driveKey, files)
  await network.audit()
})

test('a pinner killed for good loses its copies, and others make them again', async (t) => {
  const names = ['pinner-1', 'pinner-2', 'pinner-3', 'signer-1', 'signer-2', 'signer-3', ...VERIFIERS]
  const network = await RoleNetwork.start(t, names, {
    acknowledgeMs: 8_000,
    repairMs: 6_000,
    offlineMaxMs: 9_000,
    massOutageMs: 0
  })
  const dying = network.startProcess('pinner', 'pinner-1')
  for (const name of ['signer-1', 'signer-2']) await network.startRole('signer', name)
  await network.startRole('pinner', 'pinner-2')
  for (const name of VERIFIERS) await network.startRole('verifier', name)
  const files = { 'film.bin': randomBytes(2 * MIB), 'title.txt': randomBytes(300) }
  const { driveKey, hypercores } = await network.keep(files, { copies: 2, codec: 'wrap' })
  const { observer } = network
  const first = new Set(observer.copies.keys())
  assert.equal(first.size, 4)

  await dying.kill()
  await network.until('both copies of the dead pinner lost', () => observer.gone.size === 2)
  const third = await network.startRole('pinner', 'pinner-3')
  await network.startRole('signer', 'signer-3')
  await network.until('two copies in their place', () => observer.copies.size === 6)
  for (const key of hypercores) {
    const view = (await observer.member.chain.hypercore(key))!
    const active = view.copies.filter(({ state }) => state === 'active')
    assert.equal(active.length, 2, 'as many copies as were wanted')
    const made = active.find(({ id }) => !first.has(id))!
    assert.ok(equal(made.pinner!, third.publicKey))
    await network.until('a passed challenge of the new copy', () => network.settled(made.id, 'success') > 0)
  }
  // Whose copies were lost while it was away gives their disk back when it comes again.
  let forgotten = 0
  network.events.on('line', ({ event }) => void (event === 'pinner.forgot' && forgotten++))
  await network.startRole('pinner', 'pinner-1')
  await network.until('both hypercores forgotten', () => forgotten === 2)
  await network.stopRole('pinner-1')
  const left = await opened(new PinnerStore(join(network.root, 'pinner-1', 'copies')))
  assert.deepEqual(left.segments(), [])
  await left.close()
  // With the other old pinner gone too, only what was made again can be read.
  await network.stopRole('pinner-2')
  await network.read(driveKey, files)
  await network.audit()
})
