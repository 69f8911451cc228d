import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import crypto from 'hypercore-crypto'
import CorestoreStorage from 'hypercore-storage'
import { consume } from '../../src/local/consume.js'
import { RoleNetwork } from './network.js'
import { toHex } from '../../src/bytes.js'

const PINNERS = ['pinner-1', 'pinner-2']
const OTHERS = { signer: ['signer-1', 'signer-2'], verifier: ['verifier-1', 'verifier-2', 'verifier-3'] }

/** Flips one bit in the middle of one stored chunk, behind the pinner's back; the pinner is stopped. */
async function damageChunk(dir: string, key: Buffer, index: number): Promise<void> {
  const storage = new CorestoreStorage(join(dir, 'copies', 'store'))
  await storage.ready()
  const rows = (await storage.resumeCore(crypto.discoveryKey(key)))!
  const reader = rows.read()
  const reading = reader.getBlock(index)
  reader.tryFlush()
  const row = (await reading)!
  row[row.byteLength >> 1]! ^= 1
  const tx = rows.write()
  tx.putBlock(index, row)
  await tx.flush()
  await rows.close()
  await storage.close()
}

test('one changed byte at a pinner fails its next challenge, and readers still get everything', async (t) => {
  const network = await RoleNetwork.start(t, [...PINNERS, ...OTHERS.signer, ...OTHERS.verifier])
  const names = new Map<string, string>()
  for (const name of PINNERS) {
    const { publicKey } = await network.startRole('pinner', name)
    names.set(publicKey.toString('hex'), name)
  }
  for (const name of OTHERS.signer) await network.startRole('signer', name)
  for (const name of OTHERS.verifier) await network.startRole('verifier', name)

  const files = { 'one.bin': randomBytes(700_000), 'two words.bin': randomBytes(150_000) }
  const { driveKey, hypercores } = await network.keep(files, { copies: 2, codec: 'wrap' })
  const blobs = hypercores[1]!
  const holders = await network.holders(blobs)
  assert.equal(holders.length, 2)
  const [bad, good] = holders as [(typeof holders)[0], (typeof holders)[0]]
  await network.until('a passed challenge of both copies', () =>
    holders.every(({ copy }) => network.settled(copy, 'success') > 0)
  )
  // What the damaged pinner answers from now on is walked over every chunk, as the plan has more steps than that.
  assert.ok(bad.chunks > 4 && bad.chunks < 64)

  const name = names.get(toHex(bad.pinner))!
  await network.stopRole(name)
  await damageChunk(join(network.root, name), blobs, bad.chunks >> 1)
  // What it answered before the stop is settled, and heard of, by then.
  const { round } = network.observer
  await network.until('some rounds', () => network.observer.round > round + 8)
  const passedBefore = network.settled(bad.copy, 'success')
  // Not `offline`, which is no more than the stop.
  const failed = (copy = bad.copy): number =>
    (['failure', 'refused', 'lie'] as const).reduce((sum, outcome) => sum + network.settled(copy, outcome), 0)
  assert.equal(failed(), 0)
  await network.startRole('pinner', name)
  const goodBefore = network.settled(good.copy, 'success')
  await network.until('a failed challenge of the damaged copy', () => failed() > 0)
  await network.until('another passed challenge of the other copy', () => {
    return network.settled(good.copy, 'success') > goodBefore
  })
  // Few that were answered before the stop are settled later still; none that walked the damage.
  assert.ok(network.settled(bad.copy, 'success') <= passedBefore + 2)
  assert.equal(failed(good.copy), 0)

  const out = join(network.root, 'consumer')
  const read = await consume({
    network: network.network,
    key: driveKey,
    core: false,
    out,
    signal: new AbortController().signal
  })
  assert.equal(read.files, 2)
  for (const [file, plain] of Object.entries(files)) {
    assert.deepEqual(readFileSync(join(out, 'files', file)), plain)
  }
})
