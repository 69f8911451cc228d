import type { CodecName } from '../../src/chunk/header.js'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.js'
import { silentLogger } from '../../src/log.js'
import { consume } from '../../src/local/consume.js'
import { registrationOf } from '../../src/local/economy.js'
import { LyingSigner, type Lie } from './lying-signer.js'
import { RoleNetwork } from './network.js'
import { equal } from '../../src/bytes.js'
import { closeAfter } from '../helpers/close-after.js'

const lies: { name: string; codec: CodecName; code: string; lie: Lie }[] = [
  {
    name: 'a chunk that does not decode',
    codec: 'seal',
    code: 'CODEC_TAG',
    lie({ index, end, block, encode }) {
      const chunk = encode(block)
      if (index === (end - 1) >> 1) chunk[chunk.byteLength - 1]! ^= 1
      return chunk
    }
  },
  {
    name: 'a well encoded chunk of another block',
    codec: 'wrap',
    code: 'STORAGE_TREE_MISMATCH',
    lie: ({ index, end, block, encode }) =>
      encode(index === (end - 1) >> 1 ? Buffer.alloc(block.byteLength, 1) : block)
  }
]

for (const { name, codec, code, lie } of lies) {
  test(`a signer that signs ${name} is refused and pays, and another makes the copy`, async (t) => {
    const network = await RoleNetwork.start(t, ['pinner-1', 'liar', 'signer-1'])
    const { chain } = network.observer.member
    const of = network.effects()

    const pinner = await network.startRole('pinner', 'pinner-1')
    const liar = await LyingSigner.start(
      {
        dir: join(network.root, 'liar'),
        network: network.network,
        chainKey: network.chain.publicKey,
        clock: systemClock,
        randomBytes,
        log: silentLogger
      },
      registrationOf('signer'),
      { lie }
    )
    closeAfter(t, () => liar.close())
    const before = (await chain.account(liar.publicKey)).roles[0]!

    const files = { 'one.bin': randomBytes(400_000), 'two.bin': randomBytes(90_000) }
    const keeping = network.keep(files, { copies: 1, codec })
    await network.until('a verdict on a refusal', () => of('judged').length > 0)
    const signer = await network.startRole('signer', 'signer-1')
    const { driveKey, hypercores } = await keeping

    // Refused with evidence, and every verdict is against the signer.
    await network.until('a verdict on every refusal', () => of('judged').length === of('refused').length)
    assert.ok(of('judged').every(({ upheld }) => upheld === 1))
    assert.deepEqual(
      of('judged')
        .map(({ draw }) => draw)
        .sort(),
      of('refused')
        .map(({ draw }) => draw)
        .sort()
    )
    assert.ok(of('refused').every(({ by }) => equal(by, pinner.publicKey)))
    assert.ok(
      liar.verdicts.every((verdict) => !verdict.accepted && verdict.code === code),
      JSON.stringify(liar.verdicts)
    )
    const penalised = of('penalised')
    assert.ok(penalised.length > 0 && penalised.every(({ key }) => equal(key, liar.publicKey)))
    const after = (await chain.account(liar.publicKey)).roles[0]!
    const burned = penalised.reduce((sum, { burned }) => sum + burned, 0n)
    assert.ok(burned > 0n)
    assert.equal(after.deposit, before.deposit - burned)
    assert.ok(after.reputationPpm < before.reputationPpm)
    for (const { draw } of of('judged')) {
      const kept = await chain.findRefusalEvidence(draw)
      assert.deepEqual(kept?.hash, of('refused').find((refused) => refused.draw === draw)?.evidence)
    }

    // The pinner keeps nothing of it, and the copies are the honest signer's.
    await network.until('no evidence left to send', () => {
      return readdirSync(join(network.root, 'pinner-1', 'refusals')).length === 0
    })
    for (const key of hypercores) {
      const view = await chain.hypercore(key)
      const signers = view!.copies.flatMap(({ segments }) => segments.map((segment) => segment.signer))
      assert.deepEqual(signers, [signer.publicKey])
    }
    const out = join(network.root, 'consumer')
    const signal = new AbortController().signal
    await consume({ network: network.network, key: driveKey, core: false, out, signal })
    for (const [file, plain] of Object.entries(files)) {
      assert.deepEqual(readFileSync(join(out, 'files', file)), plain)
    }
  })
}
