import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { codecNames } from '../../src/chunk/header.js'
import { RoleNetwork } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

for (const codec of codecNames) {
  test(`${codec}: pinners show the chunks that they are asked for, and all of them hold`, async (t) => {
    const names = { signer: ['signer-1', 'signer-2'], pinner: ['pinner-1', 'pinner-2'] } as const
    const rules = { openingBytesPerWeek: 2 ** 40 }
    const network = await RoleNetwork.start(t, Object.values(names).flat(), rules)
    for (const name of names.pinner) await network.startRole('pinner', name)
    for (const name of names.signer) await network.startRole('signer', name)
    const files = { 'one.bin': randomBytes(300_000), 'two.bin': randomBytes(70_000) }
    await network.keep(files, { copies: 2, codec })
    const seen = { drawn: 0, success: 0, other: 0 }
    const follow = new AbortController()
    closeAfter(t, () => follow.abort())
    const following = (async () => {
      for await (const { effects } of network.observer.member.chain.events({
        from: 0,
        signal: follow.signal
      })) {
        for (const effect of effects?.effects ?? []) {
          if (effect.kind === 'openingDrawn') seen.drawn++
          if (effect.kind === 'openingSettled') seen[effect.outcome === 'success' ? 'success' : 'other']++
        }
      }
    })()
    following.catch(() => {})
    await network.until('four openings that hold', () => seen.success >= 4)
    assert.equal(seen.other, 0)
    assert.ok(seen.drawn >= seen.success)
  })
}
