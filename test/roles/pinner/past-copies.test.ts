import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../../src/clock.js'
import { opened } from '../../../src/lifecycle.js'
import type { CopyView, HypercoreView, TaskView } from '../../../src/protocol/views.js'
import { silentLogger } from '../../../src/log.js'
import { Member } from '../../../src/roles/member.js'
import { retentionOf } from '../../../src/roles/pinner/past-copies.js'
import { PinnerStore } from '../../../src/storage/pinner-store.js'
import { RoleNetwork } from '../network.js'

const OWN = Buffer.alloc(32, 1)
const OTHER = Buffer.alloc(32, 2)

/** Of a copy, the rule looks at no more than this. */
function copy(fields: Partial<CopyView>): CopyView {
  return { state: 'active', pinner: OTHER, length: 9, task: null, ...fields } as CopyView
}

/** A hypercore of nine blocks with these live copies. */
function hypercore(copies: CopyView[], state: HypercoreView['state'] = 'active'): HypercoreView {
  return { state, length: 9, copies } as HypercoreView
}

test('what is stored of a hypercore that the chain does not know is kept', () => {
  assert.equal(retentionOf(null, OWN), 'own')
})

test('a copy that is live is kept, whoever else has one', () => {
  assert.equal(retentionOf(hypercore([copy({}), copy({ pinner: OWN, length: 3 })]), OWN), 'own')
})

test('what a pinner has that is drawn again is kept for its intake', () => {
  const task = { pinner: OWN } as unknown as TaskView
  assert.equal(
    retentionOf(hypercore([copy({}), copy({ state: 'pending', pinner: null, task })]), OWN),
    'drawn'
  )
})

test('a copy that is over is past once another whole one is there', () => {
  assert.equal(retentionOf(hypercore([copy({})]), OWN), 'past')
})

test('a copy that is over is a spare while there is no other, or only a part of one', () => {
  assert.equal(retentionOf(hypercore([]), OWN), 'spare')
  assert.equal(retentionOf(hypercore([copy({ length: 8 })]), OWN), 'spare')
  assert.equal(retentionOf(hypercore([copy({ state: 'pending', pinner: null, length: 0 })]), OWN), 'spare')
})

test('nothing is kept of a hypercore that has lapsed', () => {
  assert.equal(retentionOf(hypercore([], 'lapsed'), OWN), 'past')
})

test('a pinner that retires serves its copies until a successor has them, and then gives their disk back', async (t) => {
  const network = await RoleNetwork.start(t, ['pinner-1', 'pinner-2', 'signer-1', 'signer-2'])
  await network.startRole('pinner', 'pinner-1')
  await network.startRole('signer', 'signer-1')
  const files = { 'film.bin': randomBytes(1 << 20), 'title.txt': randomBytes(300) }
  const { driveKey } = await network.keep(files, { copies: 1, codec: 'wrap' })
  let forgotten = 0
  network.events.on('line', ({ event }) => void (event === 'pinner.forgot' && forgotten++))

  const retiring = await opened(
    new Member({
      dir: join(network.root, 'pinner-1'),
      network: network.network,
      chainKey: network.chain.publicKey,
      clock: systemClock,
      randomBytes,
      log: silentLogger
    })
  )
  await retiring.chain.retire('pinner')
  await retiring.close()
  const { round } = network.observer
  await network.until('some rounds more', () => network.observer.round > round + 4)
  assert.equal(forgotten, 0, 'nobody else has it yet')
  assert.equal(network.observer.gone.size, 0)

  await network.startRole('pinner', 'pinner-2')
  await network.startRole('signer', 'signer-2')
  await network.until('both hypercores forgotten', () => forgotten === 2)
  assert.equal(network.observer.gone.size, 2, 'both copies were released first')
  await network.stopRole('pinner-1')
  const left = await opened(new PinnerStore(join(network.root, 'pinner-1', 'copies')))
  assert.deepEqual(left.segments(), [])
  await left.close()
  await network.read(driveKey, files)
  await network.audit()
})
